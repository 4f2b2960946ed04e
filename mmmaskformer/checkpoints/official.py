"""The official implementation's checkpoints (detectron2 names) as a rename table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import Tensor

from .rules import Rule

STEM = [
    Rule(r'^backbone\.stem\.conv1\.norm\.', 'backbone.bn1.'),
    Rule(r'^backbone\.stem\.conv1\.', 'backbone.conv1.'),
]
# Deep stem of R101c: a sequence of three convolutions, each followed by its norm and a ReLU.
DEEP_STEM = [
    Rule(r'^backbone\.stem\.conv(\d)\.norm\.', lambda m: f'backbone.stem.{3 * int(m[1]) - 2}.'),
    Rule(r'^backbone\.stem\.conv(\d)\.', lambda m: f'backbone.stem.{3 * int(m[1]) - 3}.'),
]


def _block(match: re.Match) -> str:
    return f'backbone.layer{int(match[1]) - 1}.{match[2]}.'


RESNET = [
    Rule(r'^backbone\.res(\d)\.(\d+)\.shortcut\.norm\.', lambda m: f'{_block(m)}downsample.1.'),
    Rule(r'^backbone\.res(\d)\.(\d+)\.shortcut\.', lambda m: f'{_block(m)}downsample.0.'),
    Rule(r'^backbone\.res(\d)\.(\d+)\.conv(\d)\.norm\.', lambda m: f'{_block(m)}bn{m[3]}.'),
    Rule(r'^backbone\.res(\d)\.(\d+)\.conv(\d)\.', lambda m: f'{_block(m)}conv{m[3]}.'),
]


def _reorder_merged_patches(tensor: Tensor) -> Tensor:
    """Channels of patch merging: (column, row, channel) officially, (channel, row, column) in `nn.Unfold`."""
    *lead, merged = tensor.shape
    return (
        tensor.reshape(*lead, 2, 2, merged // 4).transpose(-3, -2).flatten(-3, -2).mT.reshape(*lead, merged)
    )


SWIN = [
    Rule(r'^backbone\.patch_embed\.proj\.', 'backbone.patch_embed.projection.'),
    Rule(r'^backbone\.patch_embed\.norm\.', 'backbone.patch_embed.norm.'),
    Rule(r'^backbone\.layers\.(\d+)\.(blocks\.\d+)\.attn\.', r'backbone.stages.\1.\2.attn.w_msa.'),
    Rule(r'^backbone\.layers\.(\d+)\.(blocks\.\d+)\.mlp\.fc1\.', r'backbone.stages.\1.\2.ffn.layers.0.0.'),
    Rule(r'^backbone\.layers\.(\d+)\.(blocks\.\d+)\.mlp\.fc2\.', r'backbone.stages.\1.\2.ffn.layers.1.'),
    Rule(r'^backbone\.layers\.(\d+)\.(blocks\.\d+\.norm\d)\.', r'backbone.stages.\1.\2.'),
    Rule(
        r'^backbone\.layers\.(\d+)\.downsample\.', r'backbone.stages.\1.downsample.', _reorder_merged_patches
    ),
    Rule(r'^backbone\.norm(\d)\.', r'backbone.norm\1.'),
]

_PIXELS = r'^sem_seg_head\.pixel_decoder\.'
_QUERIES = r'^sem_seg_head\.predictor\.'
_LAYERS = _QUERIES + r'transformer\.decoder\.layers\.(\d+)\.'
_OUR_LAYERS = r'decode_head.transformer_decoder.layers.\1.'
_ENCODER = _PIXELS + r'transformer\.encoder\.layers\.(\d+)\.'
_OUR_ENCODER = r'decode_head.pixel_decoder.layers.\1.'

HEAD = [
    Rule(_PIXELS + r'adapter_(\d)\.norm\.', lambda m: f'{_level("lateral", m)}.gn.'),
    Rule(_PIXELS + r'adapter_(\d)\.', lambda m: f'{_level("lateral", m)}.conv.'),
    Rule(_PIXELS + r'layer_(\d)\.norm\.', lambda m: f'{_level("output", m)}.gn.'),
    Rule(_PIXELS + r'layer_(\d)\.', lambda m: f'{_level("output", m)}.conv.'),
    Rule(_PIXELS + r'(mask_features|input_proj)\.', r'decode_head.pixel_decoder.\1.'),
    Rule(_ENCODER + r'linear1\.', _OUR_ENCODER + 'ffn.0.'),
    Rule(_ENCODER + r'linear2\.', _OUR_ENCODER + 'ffn.3.'),
    Rule(_ENCODER + r'(self_attn|norm\d)\.', _OUR_ENCODER + r'\2.'),
    Rule(_LAYERS + r'multihead_attn\.', _OUR_LAYERS + 'cross_attn.'),
    Rule(_LAYERS + r'linear1\.', _OUR_LAYERS + 'ffn.0.'),
    Rule(_LAYERS + r'linear2\.', _OUR_LAYERS + 'ffn.3.'),
    Rule(_LAYERS + r'(self_attn|norm\d)\.', _OUR_LAYERS + r'\2.'),
    Rule(_QUERIES + r'transformer\.decoder\.norm\.', 'decode_head.transformer_decoder.norm.'),
    Rule(_QUERIES + r'(query_embed|input_proj)\.', r'decode_head.transformer_decoder.\1.'),
    Rule(_QUERIES + r'class_embed\.', 'decode_head.class_embed.'),
    Rule(_QUERIES + r'mask_embed\.layers\.(\d)\.', lambda m: f'decode_head.mask_embed.{2 * int(m[1])}.'),
    Rule(_QUERIES + r'(weight|bias)$', r'decode_head.classifier.\1'),  # per-pixel baseline
    Rule(r'^criterion\.empty_weight$', None),  # derived from num_classes and no_object_weight
]


def _level(kind: str, match: re.Match) -> str:
    """The official pyramid counts its levels from one, finest first."""
    return f'decode_head.pixel_decoder.{kind}_convs.{int(match[1]) - 1}'


# Backbones pre-trained on ImageNet alone: the same names without a prefix, and a classifier.
IMAGENET = [Rule(r'^stem\.fc\.', None), Rule(r'^(stem|res\d)\.', r'backbone.\1.')]


def is_backbone(names: Iterable[str]) -> bool:
    """Whether these are the tensors of an ImageNet ResNet (R-50.pkl, R-101.pkl, R-103.pkl)."""
    return all(re.match(r'(stem|res\d)\.', name) for name in names)


def official_rules(names: Iterable[str]) -> list[Rule]:
    """The table for a checkpoint with these tensor names."""
    names = set(names)
    if 'backbone.patch_embed.proj.weight' in names:
        return SWIN + HEAD
    return (DEEP_STEM if 'backbone.stem.conv2.weight' in names else STEM) + RESNET + HEAD
