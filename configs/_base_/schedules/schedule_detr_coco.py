# 300 epochs of COCO at batch 64; the rate falls to a tenth at two thirds.
max_iters = 554400
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='mmmaskformer.MergedGroupsConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1, norm_type=2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
param_scheduler = [dict(type='MultiStepLR', milestones=[369600], gamma=0.1, by_epoch=False)]

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=20000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=64)
