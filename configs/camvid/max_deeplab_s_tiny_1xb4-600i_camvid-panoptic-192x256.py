_base_ = [
    '../_base_/models/max_deeplab_s_tiny.py',
    '../_base_/datasets/camvid_panoptic.py',
    '../_base_/schedules/schedule_max_deeplab_scratch_600i.py',
    '../_base_/default_runtime.py',
]
thresholds = dict(score_thr=0.3, thing_area=50, stuff_area=200)
model = dict(decode_head=dict(num_classes=11), test_cfg=dict(panoptic=thresholds, instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=300, save_best='PQ'))
randomness = dict(seed=0)
auto_scale_lr = dict(base_batch_size=4)
