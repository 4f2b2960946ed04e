_base_ = './maskformer_r50_8xb2-720k_ade20k-panoptic-640x640.py'
