# A small model from scratch: one learning rate for every layer, batch 4.
_base_ = './schedule_cnn_160k.py'

max_iters = 1400
optim_wrapper = dict(
    optimizer=dict(lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(_delete_=True, query_embed=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]

train_cfg = dict(max_iters=max_iters, val_interval=350)
auto_scale_lr = dict(base_batch_size=4)
