_base_ = './maskformer_swin-t_8xb8-554k_coco-panoptic.py'
