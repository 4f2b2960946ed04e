_base_ = './eomt_vit-l.py'

size = (1024, 1024)
model = dict(backbone=dict(img_size=size), test_cfg=dict(crop_size=size, stride=size))
