_base_ = [
    '../_base_/models/eomt_vit-l_panoptic_1280.py',
    '../_base_/datasets/ade20k_panoptic_1280x1280_eomt.py',
    '../_base_/schedules/schedule_eomt_39k.py',
    '../_base_/eomt_runtime.py',
]
default_hooks = dict(checkpoint=dict(save_best='PQ'))
