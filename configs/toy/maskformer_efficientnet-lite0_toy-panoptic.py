# The model whose weights are in the package: docs/model_zoo.md#toy-scenes-panoptic.
_base_ = [
    '../_base_/models/maskformer_efficientnet-lite0_small.py',
    '../_base_/datasets/toy_panoptic_192x256.py',
    '../_base_/schedules/schedule_toy.py',
    '../_base_/default_runtime.py',
]
thresholds = dict(score_thr=0.5, overlap_thr=0.5)
model = dict(decode_head=dict(num_classes=10), test_cfg=dict(panoptic=thresholds, instance=dict()))
max_iters = 800
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=400)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=100, save_best=None))
randomness = dict(seed=0)
