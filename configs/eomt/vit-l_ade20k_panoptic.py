_base_ = './eomt_vit-l_8xb2-39k_ade20k-panoptic-640x640.py'
