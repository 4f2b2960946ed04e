# The model whose weights are in the package: docs/model_zoo.md#toy-scenes-panoptic.
_base_ = [
    '../_base_/models/maskformer_efficientnet-lite0_small.py',
    '../_base_/datasets/toy_panoptic_192x256.py',
    '../_base_/schedules/schedule_toy_800i.py',
    '../_base_/default_runtime.py',
]
thresholds = dict(score_thr=0.5, overlap_thr=0.5)
model = dict(decode_head=dict(num_classes=10), test_cfg=dict(panoptic=thresholds, instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=100, save_best=None))
randomness = dict(seed=0)
