_base_ = [
    '../_base_/models/eomt_vit-l_1024.py',
    '../_base_/datasets/cityscapes_1024x1024_eomt.py',
    '../_base_/schedules/schedule_eomt_20k.py',
    '../_base_/eomt_runtime.py',
]
model = dict(decode_head=dict(num_classes=19))
