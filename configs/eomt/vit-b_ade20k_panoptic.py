_base_ = './eomt_vit-b_8xb2-39k_ade20k-panoptic-640x640.py'
