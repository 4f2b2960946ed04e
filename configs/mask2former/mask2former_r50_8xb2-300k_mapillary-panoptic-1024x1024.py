_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/mapillary_panoptic_1024x1024.py',
    '../_base_/schedules/schedule_mask2former_300k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=65),
    test_cfg=dict(postprocess='before', panoptic=dict(score_thr=0.0)),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
