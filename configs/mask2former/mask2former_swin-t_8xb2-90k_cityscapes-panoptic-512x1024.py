_base_ = [
    '../_base_/models/mask2former_swin-t.py',
    '../_base_/datasets/cityscapes-panoptic_512x1024.py',
    '../_base_/schedules/schedule_mask2former_90k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=19),
    test_cfg=dict(postprocess='before', panoptic=dict()),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
