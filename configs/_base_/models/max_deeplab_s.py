# What is left out here is a constructor default, and the defaults are MaX-DeepLab-S of deeplab2.
norm_cfg = dict(type='SyncBN', momentum=0.01, eps=1e-3)
model = dict(
    type='mmmaskformer.MaskFormer',
    data_preprocessor=dict(
        type='mmmaskformer.MaskFormerDataPreProcessor',
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_val=0,
        size_divisor=1,
    ),
    backbone=dict(type='mmmaskformer.DualPathTransformer', norm_cfg=norm_cfg),
    decode_head=dict(
        type='mmmaskformer.DualPathHead',
        in_channels=[256, 512, 2048, 256, 256],
        num_classes=133,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(mode='whole', panoptic=dict()),
)
