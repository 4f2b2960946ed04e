_base_ = './maskformer_r50_8xb2-200k_ade20k-full-512x512.py'
