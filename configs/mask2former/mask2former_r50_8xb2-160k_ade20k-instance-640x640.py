_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/ade20k_instance.py',
    '../_base_/schedules/schedule_mask2former_160k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=100),
    test_cfg=dict(semantic=False, instance=dict(max_per_image=100)),
)
default_hooks = dict(checkpoint=dict(save_best='AP'))
