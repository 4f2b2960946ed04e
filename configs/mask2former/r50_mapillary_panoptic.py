_base_ = './mask2former_r50_8xb2-300k_mapillary-panoptic-1024x1024.py'
