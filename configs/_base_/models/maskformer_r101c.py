_base_ = './maskformer_r50.py'

# "R101c": three 3x3 convolutions as stem (128 channels), multi-grid in the last stage. Its ImageNet weights
# are DeepLab/R-103.pkl of detectron2's model zoo; tools/convert_checkpoint.py writes them to the path below.
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmseg.ResNetV1c',
        depth=101,
        stem_channels=128,
        multi_grid=(1, 2, 4),
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='pretrained/r103_stem128.pth'),
    ),
)
