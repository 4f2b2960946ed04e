_base_ = [
    '../_base_/models/eomt_vit-b_panoptic.py',
    '../_base_/datasets/ade20k_panoptic_640x640_eomt.py',
    '../_base_/schedules/schedule_eomt_39k.py',
    '../_base_/eomt_runtime.py',
]
default_hooks = dict(checkpoint=dict(save_best='PQ'))
