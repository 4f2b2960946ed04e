_base_ = './mask2former_r50_8xb2-160k_ade20k-512x512.py'
