# schedule_small-data_600i.py, longer.
_base_ = './schedule_small-data_600i.py'

max_iters = 1400
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=350)
