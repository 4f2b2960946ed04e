_base_ = './mask2former_r50_8xb2-160k_ade20k-instance-640x640.py'
