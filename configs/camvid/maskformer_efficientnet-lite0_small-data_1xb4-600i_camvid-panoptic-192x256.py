_base_ = [
    '../_base_/models/maskformer_efficientnet-lite0_small-data.py',
    '../_base_/datasets/camvid_panoptic.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/default_runtime.py',
]
thresholds = dict(score_thr=0.5, overlap_thr=0.5)
model = dict(decode_head=dict(num_classes=11), test_cfg=dict(panoptic=thresholds, instance=dict()))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150, save_best='PQ'))
randomness = dict(seed=0)
