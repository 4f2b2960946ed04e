_base_ = './detr_r101_8xb8-46k_coco-panoptic.py'
