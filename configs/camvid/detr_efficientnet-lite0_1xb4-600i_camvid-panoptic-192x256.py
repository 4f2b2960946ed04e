# Boxes and masks together.
_base_ = [
    '../_base_/models/detr_efficientnet-lite0.py',
    '../_base_/datasets/camvid_panoptic.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11), test_cfg=dict(panoptic=dict(score_thr=0.5), instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150, save_best='PQ'))
randomness = dict(seed=0)
