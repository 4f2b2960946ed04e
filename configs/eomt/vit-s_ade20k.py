_base_ = './eomt_vit-s_8xb2-39k_ade20k-512x512.py'
