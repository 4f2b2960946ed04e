_base_ = './mask2former_swin-t_8xb2-369k_coco-panoptic.py'
