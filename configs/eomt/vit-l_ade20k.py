_base_ = './eomt_vit-l_8xb2-39k_ade20k-512x512.py'
