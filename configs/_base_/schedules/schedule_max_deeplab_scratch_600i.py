# A small model from scratch: one learning rate for every layer.
_base_ = './schedule_max_deeplab_100k.py'

max_iters, warmup = 600, 50
optim_wrapper = dict(optimizer=dict(lr=2e-3), paramwise_cfg=dict(_delete_=True))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=warmup + 1, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=300)
