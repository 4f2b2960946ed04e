"""torchvision's Swin Transformers as a rename table; its ResNets are named as OpenMMLab's."""

from __future__ import annotations

import math

from torch import Tensor

from ..rules import PATCH_MERGING, Format, Rule, Transform

_BLOCK, _OUR_BLOCK = 'features.{2i+1}.{j}.', 'backbone.stages.{i}.blocks.{j}.'


def _square(tensor: Tensor) -> Tensor:
    return tensor.reshape(math.isqrt(tensor.numel()), -1)


SWIN = [
    Rule('features.0.0.', 'backbone.patch_embed.projection.'),
    Rule('features.0.2.', 'backbone.patch_embed.norm.'),
    Rule('features.{2i+2}.reduction.', 'backbone.stages.{i}.downsample.reduction.', PATCH_MERGING),
    Rule('features.{2i+2}.norm.', 'backbone.stages.{i}.downsample.norm.', PATCH_MERGING),
    Rule(
        _BLOCK + 'attn.relative_position_index',
        _OUR_BLOCK + 'attn.w_msa.relative_position_index',
        Transform(_square, Tensor.flatten),
    ),
    Rule(_BLOCK + 'attn.', _OUR_BLOCK + 'attn.w_msa.'),
    Rule(_BLOCK + 'mlp.0.', _OUR_BLOCK + 'ffn.layers.0.0.'),
    Rule(_BLOCK + 'mlp.3.', _OUR_BLOCK + 'ffn.layers.1.'),
    Rule(_BLOCK + 'norm{k}.', _OUR_BLOCK + 'norm{k}.'),
    Rule('norm.', 'backbone.norm3.'),
    Rule('head.', None),
]
FORMATS = [Format('torchvision Swin', ('features.0.0.',), SWIN, whole=False)]
