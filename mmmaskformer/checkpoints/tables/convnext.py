"""ConvNeXts of their authors' code as a rename table to mmpretrain's."""

from __future__ import annotations

from ..rules import Format, Rule

_BLOCK, _OUR_BLOCK = 'stages.{i}.{j}.', 'backbone.stages.{i}.{j}.'

CONVNEXT = [
    Rule('downsample_layers.', 'backbone.downsample_layers.'),
    Rule(_BLOCK + 'dwconv.', _OUR_BLOCK + 'depthwise_conv.'),
    Rule(_BLOCK + 'norm.', _OUR_BLOCK + 'norm.'),
    Rule(_BLOCK + 'pwconv{k}.', _OUR_BLOCK + 'pointwise_conv{k}.'),
    Rule(_BLOCK + 'gamma', _OUR_BLOCK + 'gamma'),
    Rule('norm.', 'backbone.norm3.'),
    Rule('head.', None),
]
FORMATS = [Format('ConvNeXt', ('stages.0.0.dwconv.',), CONVNEXT, whole=False)]
