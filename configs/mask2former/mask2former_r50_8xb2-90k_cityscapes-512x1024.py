_base_ = [
    '../_base_/models/mask2former_r50_syncbn.py',
    '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/schedule_mask2former_90k_resnet.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=19))
