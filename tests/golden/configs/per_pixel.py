_base_ = './semantic_r.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='mmmaskformer.PerPixelBaselineHead',
        in_channels=[16, 32, 64, 128],
        num_classes=5,
        pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=24),
    ),
)
