_base_ = './schedule_max_deeplab_100k.py'

max_iters, warmup = 200000, 5000
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=warmup + 1, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters)
