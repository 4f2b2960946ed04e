# The last stage keeps the stride of 16; its first block is not dilated yet, as in torchvision.
_base_ = './detr_r50_coco.py'

model = dict(
    backbone=dict(
        type='mmseg.ResNet',
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        contract_dilation=True,
        style='pytorch',
    )
)
