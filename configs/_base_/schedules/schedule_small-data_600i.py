# A few hundred images on a CPU: twice the learning rate of schedule_scratch_1400i.py.
_base_ = './schedule_scratch_1400i.py'

max_iters = 600
undecayed = dict(decay_mult=0.0)
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(custom_keys=dict(query_feat=undecayed)),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=150)
