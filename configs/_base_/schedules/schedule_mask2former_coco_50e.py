_base_ = './schedule_mask2former_160k.py'

# 50 epochs of COCO at batch 16.
max_iters = 368750
param_scheduler = [dict(type='MultiStepLR', milestones=[327778, 355092], gamma=0.1, by_epoch=False)]

train_cfg = dict(max_iters=max_iters, val_interval=20000)
