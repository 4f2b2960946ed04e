_base_ = './eomt_vit-b_8xb2-39k_ade20k-512x512.py'
