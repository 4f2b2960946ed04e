_base_ = './maskformer_convnext-t_8xb8-554k_coco-panoptic.py'
