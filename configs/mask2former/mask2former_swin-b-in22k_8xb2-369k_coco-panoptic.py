_base_ = [
    '../_base_/models/mask2former_swin-b-in22k.py',
    '../_base_/datasets/coco_panoptic_lsj.py',
    '../_base_/schedules/schedule_mask2former_coco_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=133),
    test_cfg=dict(postprocess='before', panoptic=dict(), instance=dict(stuff_competes=True)),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
