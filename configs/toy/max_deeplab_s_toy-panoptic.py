_base_ = [
    '../_base_/models/max_deeplab_s_tiny.py',
    '../_base_/datasets/toy_panoptic.py',
    '../_base_/schedules/schedule_max_deeplab_scratch_600i.py',
    '../_base_/default_runtime.py',
]
sizes = dict(backbone=dict(num_slots=20), decode_head=dict(num_classes=10))
thresholds = dict(score_thr=0.5, thing_area=20, stuff_area=40)
model = dict(**sizes, test_cfg=dict(panoptic=thresholds, instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=_base_.max_iters, save_best=None))
randomness = dict(seed=0)
auto_scale_lr = dict(base_batch_size=8)
