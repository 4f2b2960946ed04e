_base_ = './maskformer_r50_8xb8-554k_coco-panoptic.py'

model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')))
