# First step: boxes of things and stuff, which the mask head of detr_r50_8xb8-46k_coco-panoptic.py needs.
_base_ = [
    '../_base_/models/detr_r50_coco.py',
    '../_base_/datasets/coco_panoptic.py',
    '../_base_/schedules/schedule_detr_coco.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(with_masks=False), test_cfg=dict(panoptic=None))
val_evaluator = [dict(type='mmmaskformer.InstanceAP', iou_type='bbox')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='box_AP'))
