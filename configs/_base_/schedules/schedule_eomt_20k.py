# 107 epochs of Cityscapes.
_base_ = './schedule_eomt_39k.py'

max_iters = 19902
param_scheduler = [dict(type='mmmaskformer.TwoStageWarmupPolyLR', end=max_iters, by_epoch=False)]
train_cfg = dict(max_iters=max_iters)
