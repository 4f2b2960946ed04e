_base_ = './eomt_vit-l_8xb2-89k_coco-panoptic-1280x1280.py'
