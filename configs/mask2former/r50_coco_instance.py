_base_ = './mask2former_r50_8xb2-369k_coco-instance.py'
