_base_ = './schedule_swin_160k.py'

# 300 epochs of COCO at batch 64; 1500 iterations of warm-up, and a tenth of the rate from two thirds on.
max_iters = 554400
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1501, by_epoch=False),
    dict(type='MultiStepLR', milestones=[369600], gamma=0.1, by_epoch=False),
]

train_cfg = dict(max_iters=max_iters, val_interval=20000)
auto_scale_lr = dict(base_batch_size=64)
