_base_ = './schedule_cnn_160k.py'

# 300 epochs of COCO at batch 64; the rate falls to a tenth at two thirds.
max_iters = 554400
param_scheduler = [dict(type='MultiStepLR', milestones=[369600], gamma=0.1, by_epoch=False)]

train_cfg = dict(max_iters=max_iters, val_interval=20000)
auto_scale_lr = dict(base_batch_size=64)
