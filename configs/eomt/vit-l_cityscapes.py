_base_ = './eomt_vit-l_8xb2-20k_cityscapes-1024x1024.py'
