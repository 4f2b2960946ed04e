# 25 epochs of COCO at batch 64, of the mask head alone; the rate falls to a tenth after 15.
_base_ = './schedule_detr_coco.py'

max_iters = 46200
param_scheduler = [dict(type='MultiStepLR', milestones=[27720], gamma=0.1, by_epoch=False)]

train_cfg = dict(max_iters=max_iters, val_interval=5000)
