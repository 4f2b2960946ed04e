_base_ = './eomt_vit-l_panoptic.py'

size = (1280, 1280)
model = dict(data_preprocessor=dict(size=size), backbone=dict(img_size=size))
