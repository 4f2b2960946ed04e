_base_ = './maskformer_r50_8xb4-60k_coco-stuff10k-640x640.py'

model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')))
