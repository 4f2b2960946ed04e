_base_ = [
    '../_base_/models/eomt_vit-s_panoptic.py',
    '../_base_/datasets/coco_panoptic_640x640_eomt.py',
    '../_base_/schedules/schedule_eomt_177k.py',
    '../_base_/eomt_runtime.py',
]
model = dict(decode_head=dict(num_classes=133))
default_hooks = dict(checkpoint=dict(save_best='PQ'))
