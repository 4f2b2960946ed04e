_base_ = './maskformer_r50_8xb2-200k_ade20k-full-512x512.py'

model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')))
