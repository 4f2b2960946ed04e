_base_ = [
    '../_base_/models/detr_r50_coco.py',
    '../_base_/datasets/coco_panoptic_detr.py',
    '../_base_/schedules/schedule_detr_coco_masks.py',
    '../_base_/default_runtime.py',
]
model = dict(backbone=dict(frozen_stages=4), decode_head=dict(frozen_detector=True))
load_from = 'work_dirs/detr-boxes_r50_8xb8-554k_coco-panoptic/iter_554400.pth'
default_hooks = dict(checkpoint=dict(save_best='PQ'))
