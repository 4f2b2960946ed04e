_base_ = [
    '../_base_/models/mask2former_swin-l-in22k.py',
    '../_base_/datasets/cityscapes-instance_512x1024.py',
    '../_base_/schedules/schedule_mask2former_90k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=8, num_queries=200),
    test_cfg=dict(semantic=False, instance=dict(max_per_image=100)),
)
default_hooks = dict(checkpoint=dict(save_best='AP'))
