_base_ = './semantic_r.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='mmmaskformer.PerPixelBaselinePlusHead',
        in_channels=[16, 32, 64, 128],
        num_classes=5,
        pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=32),
        transformer_decoder=_base_.model.decode_head.transformer_decoder,
    ),
)
