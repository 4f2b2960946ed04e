_base_ = [
    '../_base_/models/per_pixel_baseline_r50.py',
    '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/schedule_cnn_90k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')),
    decode_head=dict(num_classes=19),
)
