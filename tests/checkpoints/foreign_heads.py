"""mmseg's and mmdet's MaskFormer heads in the sizes of the golden models, with random weights."""

from __future__ import annotations

from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from torch import nn

from mmmaskformer.registry import MODELS

CHANNELS = 32
ATTENTION = dict(embed_dims=CHANNELS, num_heads=4, dropout=0.0, batch_first=True)
FEED_FORWARD = dict(
    embed_dims=CHANNELS,
    feedforward_channels=48,
    num_fcs=2,
    ffn_drop=0.0,
    act_cfg=dict(type='ReLU', inplace=True),
)
POSITIONS = dict(num_feats=CHANNELS // 2, normalize=True)
PYRAMID = dict(norm_cfg=dict(type='GN', num_groups=32), act_cfg=dict(type='ReLU'))
ENCODER = dict(
    type='mmdet.TransformerEncoderPixelDecoder',
    encoder=dict(num_layers=2, layer_cfg=dict(self_attn_cfg=ATTENTION, ffn_cfg=FEED_FORWARD)),
    positional_encoding=POSITIONS,
    **PYRAMID,
)
DECODER = dict(
    return_intermediate=True,
    num_layers=3,
    layer_cfg=dict(self_attn_cfg=ATTENTION, cross_attn_cfg=ATTENTION, ffn_cfg=FEED_FORWARD),
    init_cfg=None,
)


def foreign_head(kind: str, in_channels: list[int]) -> nn.Module:
    """``'mmseg'``, plain pyramid, or ``'mmdet'``, transformer encoder; 5 classes."""
    classes = dict(num_classes=5) if kind == 'mmseg' else dict(num_things_classes=3, num_stuff_classes=2)
    init_default_scope('mmseg')
    head = dict(
        type=f'{kind}.MaskFormerHead',
        in_channels=in_channels,
        strides=[4, 8, 16, 32],
        feat_channels=CHANNELS,
        out_channels=CHANNELS,
        num_queries=9,
        pixel_decoder=dict(type='mmdet.PixelDecoder', **PYRAMID) if kind == 'mmseg' else ENCODER,
        positional_encoding=POSITIONS,
        transformer_decoder=DECODER,
        loss_cls=dict(type='mmdet.CrossEntropyLoss', class_weight=[1.0] * 5 + [0.1]),
        loss_mask=dict(type='mmdet.FocalLoss'),
        loss_dice=dict(type='mmdet.DiceLoss', activate=True),
        **classes,
    )
    return MODELS.build(ConfigDict(head)).eval()
