_base_ = './maskformer_r50_8xb2-720k_ade20k-panoptic-640x640.py'

model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')))
