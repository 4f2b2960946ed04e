# What is left out here is a constructor default, and the defaults are the paper's settings.
model = dict(
    type='mmmaskformer.MaskFormer',
    data_preprocessor=dict(
        type='mmmaskformer.MaskFormerDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        size_divisor=32,
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decode_head=dict(
        type='mmmaskformer.MaskFormerHead',
        in_channels=[256, 512, 1024, 2048],
        num_classes=150,
        num_queries=100,
    ),
    test_cfg=dict(mode='whole'),
)
