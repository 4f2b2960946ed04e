# 31 epochs of ADE20K. Rates decay by 0.8 from each block of the backbone to the one before it, and all
# parameters have the same weight decay.
max_iters = 39120
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='mmmaskformer.LayerDecayConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
    clip_grad=dict(max_norm=0.01, norm_type=2),
    paramwise_cfg=dict(layer_decay_rate=0.8),
)
param_scheduler = [dict(type='mmmaskformer.TwoStageWarmupPolyLR', end=max_iters, by_epoch=False)]

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
