# Adam without weight decay; a pretrained encoder learns at a tenth of the rate, what is new does not.
_base_ = './schedule_cnn_160k.py'

max_iters, warmup = 100000, 5000
pretrained = dict(lr_mult=0.1)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    constructor='mmmaskformer.MergedGroupsConstructor',
    optimizer=dict(type='Adam', lr=1e-3),
    paramwise_cfg=dict(
        custom_keys={
            'backbone.stem': pretrained,
            'backbone.stages': pretrained,
            'backbone.backbone_decoder': pretrained,
            'backbone.stages.4.dual_paths': dict(lr_mult=1.0),
            'backbone.stages.5.dual_paths': dict(lr_mult=1.0),
        }
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=warmup + 1, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=5000)
auto_scale_lr = dict(base_batch_size=64)
