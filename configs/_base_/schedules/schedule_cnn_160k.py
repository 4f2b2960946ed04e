# Convolutional backbones. A key of custom_keys overrides norm_decay_mult for what it matches: the batch
# normalisation inside the backbone is frozen here, so nothing is lost; where it is trained, decay it by hand.
max_iters = 160000
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='mmmaskformer.MergedGroupsConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.01, norm_type=2),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys=dict(backbone=dict(lr_mult=0.1), query_embed=dict(decay_mult=0.0)),
    ),
)
# PolyLR counts end - begin - 1 steps: one more than max_iters makes lr(i) = (1 - i / max_iters) ** 0.9.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
