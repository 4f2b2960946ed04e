"""A small panoptic DETR on which tests run: as narrow as the groups of the mask head allow."""

from __future__ import annotations

HEAD = dict(
    type='mmmaskformer.DETRHead',
    in_channels=[8, 16, 32, 64],
    num_classes=4,
    num_queries=7,
    encoder=dict(type='mmmaskformer.DETREncoder', channels=128, num_layers=1, ffn_channels=24, dropout=0.0),
    transformer_decoder=dict(
        type='mmmaskformer.MaskFormerTransformerDecoder', num_layers=2, ffn_channels=24, dropout=0.0
    ),
)
