_base_ = './eomt_vit-b_8xb2-177k_coco-panoptic-640x640.py'
