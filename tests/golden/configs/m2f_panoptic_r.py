_base_ = '../../../configs/_base_/models/mask2former_r50.py'
default_scope = 'mmseg'
model = dict(
    backbone=dict(stem_channels=8, base_channels=4, init_cfg=None),
    decode_head=dict(
        in_channels=[16, 32, 64, 128],
        num_classes=5,
        num_queries=9,
        pixel_decoder=dict(
            type='mmmaskformer.MSDeformAttnPixelDecoder',
            channels=64,
            mask_channels=40,
            num_layers=2,
            num_heads=4,
            ffn_channels=56,
        ),
        transformer_decoder=dict(
            type='mmmaskformer.Mask2FormerTransformerDecoder',
            channels=64,
            num_layers=4,
            num_heads=4,
            ffn_channels=48,
        ),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=48),
    ),
    test_cfg=dict(
        postprocess='before',
        panoptic=dict(score_thr=0.25, overlap_thr=0.4),
        instance=dict(max_per_image=20, stuff_competes=True),
    ),
)
