_base_ = './maskformer_r50_8xb2-300k_mapillary-1280x1280.py'
