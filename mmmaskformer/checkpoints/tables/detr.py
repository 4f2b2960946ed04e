"""DETR in other code bases: rename tables of the official code and HuggingFace, with and without masks."""

from __future__ import annotations

from collections.abc import Collection

from ..rules import Format, Rule, relocated
from . import huggingface

_HEAD = 'decode_head.'
_ENCODER, _DECODER = _HEAD + 'encoder.layers.{i}.', _HEAD + 'transformer_decoder.layers.{i}.'

# The mask head, whose names are the same in both.
MASK_HEAD = [
    Rule('mask_head.lay{i+1}.', _HEAD + 'mask_head.convs.{i}.'),
    Rule('mask_head.gn{i+1}.', _HEAD + 'mask_head.norms.{i}.'),
    Rule('mask_head.adapter{i+1}.', _HEAD + 'mask_head.adapters.{i}.'),
    Rule('mask_head.out_lay.', _HEAD + 'mask_head.out.'),
    Rule('bbox_attention.', _HEAD + 'mask_head.attention.'),
]


def _official_layer(name: str, ours: str) -> list[Rule]:
    foreign = f'transformer.{name}.layers.{{i}}.'
    return [
        Rule(foreign + 'self_attn.', ours + 'self_attn.'),
        Rule(foreign + 'multihead_attn.', ours + 'cross_attn.'),
        Rule(foreign + 'linear1.', ours + 'ffn.0.'),
        Rule(foreign + 'linear2.', ours + 'ffn.3.'),
        Rule(foreign + 'norm{k}.', ours + 'norm{k}.'),
    ]


DETECTOR = [
    Rule('backbone.0.body.', 'backbone.'),
    Rule('input_proj.', _HEAD + 'encoder.input_proj.'),
    *_official_layer('encoder', _ENCODER),
    *_official_layer('decoder', _DECODER),
    Rule('transformer.decoder.norm.', _HEAD + 'transformer_decoder.norm.'),
    Rule('query_embed.', _HEAD + 'transformer_decoder.query_embed.'),
    Rule('class_embed.', _HEAD + 'class_embed.'),
    Rule('bbox_embed.layers.{i}.', _HEAD + 'bbox_embed.{2i}.'),
]


def _with_masks(names: Collection[str]) -> bool:
    """Whether a model predicts masks, by names of any code base: its detector then lies under ``detr.``."""
    return any(name.startswith(('detr.', f'{_HEAD}mask_head.')) for name in names)


def official_rules(names: Collection[str]) -> list[Rule]:
    """The table of the official code."""
    return [*MASK_HEAD, *relocated(DETECTOR, '', 'detr.' if _with_masks(names) else '')]


_HF_BACKBONE = 'model.backbone.conv_encoder.model.'


def _hf_attention(foreign: str, ours: str) -> list[Rule]:
    parts = tuple(f'{foreign}{letter}_proj.' for letter in 'qkv')
    return [Rule(parts, f'{ours}in_proj_'), Rule(f'{foreign}out_proj.', f'{ours}out_proj.')]


def _hf_layer(name: str, ours: str, last_norm: str) -> list[Rule]:
    foreign = f'model.{name}.layers.{{i}}.'
    return [
        *_hf_attention(foreign + 'self_attn.', ours + 'self_attn.'),
        Rule(foreign + 'self_attn_layer_norm.', ours + 'norm1.'),
        Rule(foreign + 'fc1.', ours + 'ffn.0.'),
        Rule(foreign + 'fc2.', ours + 'ffn.3.'),
        Rule(foreign + 'final_layer_norm.', ours + last_norm),
    ]


_HF_DECODER = 'model.decoder.layers.{i}.'
HUGGINGFACE_DETECTOR = [
    *relocated(huggingface.RESNET, 'model.pixel_level_module.encoder.', _HF_BACKBONE),
    Rule('model.input_projection.', _HEAD + 'encoder.input_proj.'),
    *_hf_layer('encoder', _ENCODER, 'norm2.'),
    *_hf_layer('decoder', _DECODER, 'norm3.'),
    *_hf_attention(_HF_DECODER + 'encoder_attn.', _DECODER + 'cross_attn.'),
    Rule(_HF_DECODER + 'encoder_attn_layer_norm.', _DECODER + 'norm2.'),
    Rule('model.decoder.layernorm.', _HEAD + 'transformer_decoder.norm.'),
    Rule('model.query_position_embeddings.', _HEAD + 'transformer_decoder.query_embed.'),
    Rule('class_labels_classifier.', _HEAD + 'class_embed.'),
    Rule('bbox_predictor.layers.{i}.', _HEAD + 'bbox_embed.{2i}.'),
]
_TIMM_BACKBONE = [Rule(_HF_BACKBONE, 'backbone.')]


def huggingface_rules(names: Collection[str]) -> list[Rule]:
    """The table of HuggingFace's DETR, whose backbone is timm's, as in the released models, or its own."""
    own = any(name.removeprefix('detr.').startswith(f'{_HF_BACKBONE}embedder.') for name in names)
    detector = HUGGINGFACE_DETECTOR if own else [*_TIMM_BACKBONE, *HUGGINGFACE_DETECTOR]
    return [*MASK_HEAD, *relocated(detector, '', 'detr.' if _with_masks(names) else '')]


OFFICIAL = Format('official DETR', ('backbone.0.body.', 'detr.backbone.0.body.'), official_rules)
HUGGINGFACE = Format(
    'HuggingFace DETR', ('model.backbone.conv_encoder.', 'detr.model.backbone.'), huggingface_rules
)
FORMATS = [OFFICIAL, HUGGINGFACE]
