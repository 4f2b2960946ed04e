_base_ = './maskformer_r50_8xb8-554k_coco-instance.py'
