_base_ = './detr_r50_8xb8-46k_coco-panoptic.py'
