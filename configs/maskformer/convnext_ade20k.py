_base_ = './maskformer_convnext-t_8xb2-160k_ade20k-512x512.py'
