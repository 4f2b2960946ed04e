"""A small Mask2Former on which tests run: one encoder layer, and a decoder layer for each scale."""

from __future__ import annotations

HEAD = dict(
    type='mmmaskformer.Mask2FormerHead',
    in_channels=[8, 16, 32, 64],
    num_classes=4,
    num_queries=7,
    pixel_decoder=dict(
        type='mmmaskformer.MSDeformAttnPixelDecoder',
        channels=16,
        mask_channels=12,
        norm_cfg=dict(type='GN', num_groups=4),
        num_layers=1,
        num_heads=4,
        num_points=2,
        ffn_channels=24,
    ),
    transformer_decoder=dict(
        type='mmmaskformer.Mask2FormerTransformerDecoder',
        channels=16,
        num_layers=3,
        num_heads=4,
        ffn_channels=24,
    ),
    criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=64),
)
