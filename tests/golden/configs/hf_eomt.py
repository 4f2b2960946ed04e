default_scope = 'mmseg'
model = dict(
    type='mmmaskformer.MaskFormer',
    data_preprocessor=dict(
        type='mmmaskformer.MaskFormerDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size_divisor=8,
    ),
    backbone=dict(
        type='mmmaskformer.QueryVisionTransformer',
        arch=dict(embed_dims=32, num_layers=4, num_heads=4, feedforward_channels=64),
        img_size=64,
        patch_size=8,
        num_query_blocks=2,
    ),
    decode_head=dict(
        type='mmmaskformer.EoMTHead',
        in_channels=[32],
        num_classes=5,
        num_queries=9,
        num_query_blocks=2,
        num_upscales=1,
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=96),
    ),
    test_cfg=dict(mode='whole'),
)
