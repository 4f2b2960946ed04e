_base_ = './eomt_vit-l_8xb2-89k_coco-panoptic-640x640.py'
