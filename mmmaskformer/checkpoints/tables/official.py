"""The official implementation's checkpoints (detectron2 names) as a rename table."""

from __future__ import annotations

from collections.abc import Collection

from ..rules import PATCH_MERGING, Format, Rule, relocated

STEM = [
    Rule('backbone.stem.conv1.norm.', 'backbone.bn1.'),
    Rule('backbone.stem.conv1.', 'backbone.conv1.'),
]
# Deep stem of R101c: a sequence of three convolutions, each followed by its norm and a ReLU.
DEEP_STEM = [
    Rule('backbone.stem.conv{i+1}.norm.', 'backbone.stem.{3i+1}.'),
    Rule('backbone.stem.conv{i+1}.', 'backbone.stem.{3i}.'),
]

_BLOCK, _OUR_BLOCK = 'backbone.res{i+1}.{j}.', 'backbone.layer{i}.{j}.'

RESNET = [
    Rule(_BLOCK + 'shortcut.norm.', _OUR_BLOCK + 'downsample.1.'),
    Rule(_BLOCK + 'shortcut.', _OUR_BLOCK + 'downsample.0.'),
    Rule(_BLOCK + 'conv{k}.norm.', _OUR_BLOCK + 'bn{k}.'),
    Rule(_BLOCK + 'conv{k}.', _OUR_BLOCK + 'conv{k}.'),
]

_SWIN_BLOCK, _OUR_SWIN_BLOCK = 'backbone.layers.{i}.blocks.{j}.', 'backbone.stages.{i}.blocks.{j}.'

SWIN = [
    Rule('backbone.patch_embed.proj.', 'backbone.patch_embed.projection.'),
    Rule('backbone.patch_embed.norm.', 'backbone.patch_embed.norm.'),
    Rule(_SWIN_BLOCK + 'attn_mask', None),  # computed for each image
    Rule(_SWIN_BLOCK + 'attn.', _OUR_SWIN_BLOCK + 'attn.w_msa.'),
    Rule(_SWIN_BLOCK + 'mlp.fc1.', _OUR_SWIN_BLOCK + 'ffn.layers.0.0.'),
    Rule(_SWIN_BLOCK + 'mlp.fc2.', _OUR_SWIN_BLOCK + 'ffn.layers.1.'),
    Rule(_SWIN_BLOCK + 'norm{k}.', _OUR_SWIN_BLOCK + 'norm{k}.'),
    Rule('backbone.layers.{i}.downsample.', 'backbone.stages.{i}.downsample.', PATCH_MERGING),
    Rule('backbone.norm{i}.', 'backbone.norm{i}.'),
]

_PIXELS, _OUR_PIXELS = 'sem_seg_head.pixel_decoder.', 'decode_head.pixel_decoder.'
_ENCODER, _OUR_ENCODER = _PIXELS + 'transformer.encoder.layers.{i}.', _OUR_PIXELS + 'layers.{i}.'
_QUERIES, _OUR_QUERIES = 'sem_seg_head.predictor.', 'decode_head.transformer_decoder.'
_DECODER, _OUR_DECODER = _QUERIES + 'transformer.decoder.layers.{i}.', _OUR_QUERIES + 'layers.{i}.'

# The official pyramid counts its levels from one, finest first.
HEAD = [
    Rule(_PIXELS + 'adapter_{i+1}.norm.', _OUR_PIXELS + 'lateral_convs.{i}.gn.'),
    Rule(_PIXELS + 'adapter_{i+1}.', _OUR_PIXELS + 'lateral_convs.{i}.conv.'),
    Rule(_PIXELS + 'layer_{i+1}.norm.', _OUR_PIXELS + 'output_convs.{i}.gn.'),
    Rule(_PIXELS + 'layer_{i+1}.', _OUR_PIXELS + 'output_convs.{i}.conv.'),
    Rule(_PIXELS + 'mask_features.', _OUR_PIXELS + 'mask_features.'),
    Rule(_PIXELS + 'input_proj.', _OUR_PIXELS + 'input_proj.'),
    Rule(_ENCODER + 'self_attn.', _OUR_ENCODER + 'self_attn.'),
    Rule(_ENCODER + 'linear1.', _OUR_ENCODER + 'ffn.0.'),
    Rule(_ENCODER + 'linear2.', _OUR_ENCODER + 'ffn.3.'),
    Rule(_ENCODER + 'norm{k}.', _OUR_ENCODER + 'norm{k}.'),
    Rule(_DECODER + 'self_attn.', _OUR_DECODER + 'self_attn.'),
    Rule(_DECODER + 'multihead_attn.', _OUR_DECODER + 'cross_attn.'),
    Rule(_DECODER + 'linear1.', _OUR_DECODER + 'ffn.0.'),
    Rule(_DECODER + 'linear2.', _OUR_DECODER + 'ffn.3.'),
    Rule(_DECODER + 'norm{k}.', _OUR_DECODER + 'norm{k}.'),
    Rule(_QUERIES + 'transformer.decoder.norm.', _OUR_QUERIES + 'norm.'),
    Rule(_QUERIES + 'query_embed.', _OUR_QUERIES + 'query_embed.'),
    Rule(_QUERIES + 'input_proj.', _OUR_QUERIES + 'input_proj.'),
    Rule(_QUERIES + 'class_embed.', 'decode_head.class_embed.'),
    Rule(_QUERIES + 'mask_embed.layers.{i}.', 'decode_head.mask_embed.{2i}.'),
    Rule(_QUERIES + 'weight', 'decode_head.classifier.weight'),  # per-pixel baseline
    Rule(_QUERIES + 'bias', 'decode_head.classifier.bias'),
    Rule('criterion.empty_weight', None),  # derived from num_classes and no_object_weight
]


def official_rules(names: Collection[str]) -> list[Rule]:
    """The table for a checkpoint with these tensor names, official ones or ours."""
    deep = any(name in names for name in ('backbone.stem.conv2.weight', 'backbone.stem.3.weight'))
    return [*(DEEP_STEM if deep else STEM), *RESNET, *SWIN, *HEAD]


def backbone_rules(names: Collection[str]) -> list[Rule]:
    """The table for a backbone pre-trained on ImageNet alone: the same names without a prefix, a classifier.

    R-50.pkl, R-101.pkl and R-103.pkl of detectron2's zoo, and the files of Swin Transformer's authors. The
    norm before Swin's classifier becomes that of the last feature map, as in OpenMMLab's own conversion.
    """
    stem = DEEP_STEM if 'stem.conv2.weight' in names else STEM
    extra = [Rule('stem.fc.', None), Rule('head.', None), Rule('norm.', 'backbone.norm3.')]
    return [*extra, *relocated([*stem, *RESNET, *SWIN], 'backbone.', '')]


OFFICIAL = Format('official', ('sem_seg_head.',), official_rules)
FORMATS = [
    OFFICIAL,
    Format('detectron2 or Swin backbone', ('res2.', 'patch_embed.proj.'), backbone_rules, whole=False),
]
