# Small enough to be trained from scratch in minutes on two CPU cores.
_base_ = ['../_base_/models/maskformer_r18.py', '../_base_/datasets/toy.py', '../_base_/default_runtime.py']
max_iters = 1200
model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    decode_head=dict(
        in_channels=[32, 64, 128, 256],
        num_classes=10,
        num_queries=20,
        pixel_decoder=dict(
            type='mmmaskformer.FPNPixelDecoder',
            channels=64,
            mask_channels=64,
            norm_cfg=dict(type='GN', num_groups=16),
        ),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder',
            channels=64,
            num_layers=3,
            ffn_channels=256,
            dropout=0.0,
        ),
    ),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=0.1),
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys=dict(query_embed=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=200)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=max_iters))
randomness = dict(seed=0)
