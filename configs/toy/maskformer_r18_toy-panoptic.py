_base_ = [
    '../_base_/models/maskformer_r18_half.py',
    '../_base_/datasets/toy_panoptic.py',
    '../_base_/schedules/schedule_toy.py',
    '../_base_/default_runtime.py',
]
thresholds = dict(score_thr=0.5, overlap_thr=0.5)
model = dict(decode_head=dict(num_classes=10), test_cfg=dict(panoptic=thresholds, instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=_base_.max_iters, save_best=None))
randomness = dict(seed=0)
