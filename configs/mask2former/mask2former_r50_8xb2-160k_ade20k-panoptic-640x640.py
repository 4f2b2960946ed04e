_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/ade20k_panoptic.py',
    '../_base_/schedules/schedule_mask2former_160k.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(postprocess='before', panoptic=dict()))
default_hooks = dict(checkpoint=dict(save_best='PQ'))
