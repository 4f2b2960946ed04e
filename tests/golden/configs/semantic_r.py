_base_ = [
    '../../../configs/_base_/models/maskformer_r50.py',
    '../../../configs/_base_/schedules/schedule_cnn_160k.py',
]
default_scope = 'mmseg'
model = dict(
    backbone=dict(stem_channels=8, base_channels=4, init_cfg=None),
    decode_head=dict(
        in_channels=[16, 32, 64, 128],
        num_classes=5,
        num_queries=9,
        pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=24),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder',
            channels=32,
            num_layers=3,
            num_heads=4,
            ffn_channels=48,
            dropout=0.0,
        ),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=21, by_epoch=False)]
