# Boxes and masks together, from scratch.
_base_ = [
    '../_base_/models/detr_r18_half.py',
    '../_base_/datasets/toy_panoptic.py',
    '../_base_/schedules/schedule_toy.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(panoptic=dict(score_thr=0.5), instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=_base_.max_iters, save_best=None))
randomness = dict(seed=0)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
