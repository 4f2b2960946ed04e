_base_ = [
    '../../../configs/_base_/models/maskformer_swin-t.py',
    '../../../configs/_base_/schedules/schedule_swin_160k.py',
]
default_scope = 'mmseg'
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch=dict(embed_dims=8, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8]),
        window_size=4,
        img_size=64,
        drop_path_rate=0.0,
        out_indices=(0, 1, 2, 3),
        pad_small_map=True,
    ),
    decode_head=dict(
        in_channels=[8, 16, 32, 64],
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
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=6, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=21, by_epoch=False),
]
default_scope = 'mmseg'
