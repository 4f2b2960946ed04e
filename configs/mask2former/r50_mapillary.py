_base_ = './mask2former_r50_8xb2-300k_mapillary-1024x1024.py'
