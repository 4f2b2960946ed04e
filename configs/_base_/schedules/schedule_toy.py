# Some minutes on two CPU cores, from scratch: one learning rate for every layer.
max_iters = 1500
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='mmmaskformer.MergedGroupsConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=0.1),
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys=dict(query_embed=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
