_base_ = './maskformer_r101_8xb2-90k_cityscapes-512x1024.py'
