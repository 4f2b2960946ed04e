_base_ = './detr-dc5_r50_8xb8-46k_coco-panoptic.py'
