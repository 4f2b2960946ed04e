"""Mask2Former's head in other code bases: rename tables of the official code, OpenMMLab and HuggingFace."""

from __future__ import annotations

from collections.abc import Collection

from ..rules import Format, Rule, relocated
from . import huggingface, official
from .openmmlab import BACKBONE

PIXELS, QUERIES = 'decode_head.pixel_decoder.', 'decode_head.transformer_decoder.'
_ENCODER, _DECODER = PIXELS + 'layers.{i}.', QUERIES + 'layers.{i}.'
_CLASSIFIERS = ('decode_head.class_embed.', 'decode_head.mask_embed.{2i}.')


def _encoder_rules(layer: str, names: Collection[str]) -> list[Rule]:
    """A layer of the pixel decoder's encoder; names are those of two norms and two linear layers."""
    ours = ('norm1.', 'norm2.', 'ffn.0.', 'ffn.3.')
    return [
        Rule(layer + 'self_attn.', _ENCODER + 'self_attn.'),
        *(Rule(layer + foreign, _ENCODER + part) for foreign, part in zip(names, ours)),
    ]


_OFFICIAL_PIXELS = 'sem_seg_head.pixel_decoder.'
_OFFICIAL_ENCODER = _OFFICIAL_PIXELS + 'transformer.encoder.layers.{i}.'
_OFFICIAL_QUERIES = 'sem_seg_head.predictor.'

_OFFICIAL_PIXEL_RULES = [
    Rule(_OFFICIAL_PIXELS + 'input_proj.{i}.0.', PIXELS + 'input_convs.{i}.conv.'),
    Rule(_OFFICIAL_PIXELS + 'input_proj.{i}.1.', PIXELS + 'input_convs.{i}.gn.'),
    Rule(_OFFICIAL_PIXELS + 'transformer.level_embed', PIXELS + 'level_embed'),
    *_encoder_rules(_OFFICIAL_ENCODER, ('norm1.', 'norm2.', 'linear1.', 'linear2.')),
    Rule(_OFFICIAL_PIXELS + 'adapter_1.norm.', PIXELS + 'lateral_convs.0.gn.'),
    Rule(_OFFICIAL_PIXELS + 'adapter_1.', PIXELS + 'lateral_convs.0.conv.'),
    Rule(_OFFICIAL_PIXELS + 'layer_1.norm.', PIXELS + 'output_convs.0.gn.'),
    Rule(_OFFICIAL_PIXELS + 'layer_1.', PIXELS + 'output_convs.0.conv.'),
    Rule(_OFFICIAL_PIXELS + 'mask_features.', PIXELS + 'mask_features.'),
]
# The official code takes a file without versions for one of these names, and adds ``pixel_decoder.``.
_EARLIER_PIXEL_RULES = relocated(_OFFICIAL_PIXEL_RULES, _OFFICIAL_PIXELS, 'sem_seg_head.')
_OFFICIAL_QUERY_RULES = [
    Rule(_OFFICIAL_QUERIES + 'transformer_cross_attention_layers.{i}.norm.', _DECODER + 'norm1.'),
    Rule(
        _OFFICIAL_QUERIES + 'transformer_cross_attention_layers.{i}.multihead_attn.',
        _DECODER + 'cross_attn.',
    ),
    Rule(_OFFICIAL_QUERIES + 'transformer_self_attention_layers.{i}.norm.', _DECODER + 'norm2.'),
    Rule(
        _OFFICIAL_QUERIES + 'transformer_self_attention_layers.{i}.self_attn.',
        _DECODER + 'self_attn.',
    ),
    Rule(_OFFICIAL_QUERIES + 'transformer_ffn_layers.{i}.norm.', _DECODER + 'norm3.'),
    Rule(_OFFICIAL_QUERIES + 'transformer_ffn_layers.{i}.linear1.', _DECODER + 'ffn.0.'),
    Rule(_OFFICIAL_QUERIES + 'transformer_ffn_layers.{i}.linear2.', _DECODER + 'ffn.3.'),
    Rule(_OFFICIAL_QUERIES + 'decoder_norm.', QUERIES + 'norm.'),
    Rule(_OFFICIAL_QUERIES + 'query_feat.', QUERIES + 'query_feat.'),
    Rule(_OFFICIAL_QUERIES + 'static_query.', QUERIES + 'query_feat.'),  # in earlier files
    Rule(_OFFICIAL_QUERIES + 'query_embed.', QUERIES + 'query_embed.'),
    Rule(_OFFICIAL_QUERIES + 'level_embed.', QUERIES + 'level_embed.'),
    Rule(_OFFICIAL_QUERIES + 'input_proj.{i}.', QUERIES + 'input_projs.{i}.'),
    Rule(_OFFICIAL_QUERIES + 'class_embed.', _CLASSIFIERS[0]),
    Rule(_OFFICIAL_QUERIES + 'mask_embed.layers.{i}.', _CLASSIFIERS[1]),
    Rule('criterion.empty_weight', None),  # derived from num_classes and no_object_weight
]


def official_rules(names: Collection[str]) -> list[Rule]:
    """The table of the official code; what is written has the names that it reads without versions."""
    pixels = [_EARLIER_PIXEL_RULES, _OFFICIAL_PIXEL_RULES]
    if any(name.startswith(_OFFICIAL_PIXELS) for name in names):
        pixels.reverse()
    backbone = [*official.STEM, *official.RESNET, *official.SWIN]
    return [*backbone, *pixels[0], *pixels[1], *_OFFICIAL_QUERY_RULES]


def _openmmlab_layer(foreign: str, ours: str, attentions: Collection[tuple[str, str]]) -> list[Rule]:
    """A layer as MMDetection 3.0 names its parts, and as MMCV did in earlier releases."""
    rules = [Rule(foreign + 'norms.{k}.', ours + 'norm{k+1}.')]
    rules += [Rule(foreign + name, ours + part) for name, part in attentions]
    for name in ('ffn', 'ffns.0'):
        rules.append(Rule(foreign + f'{name}.layers.0.0.', ours + 'ffn.0.'))
        rules.append(Rule(foreign + f'{name}.layers.1.', ours + 'ffn.3.'))
    return rules


# Names within mmdet's Mask2FormerHead, which mmseg's inherits.
OPENMMLAB_HEAD = [
    Rule('pixel_decoder.input_convs.', PIXELS + 'input_convs.'),
    Rule('pixel_decoder.lateral_convs.', PIXELS + 'lateral_convs.'),
    Rule('pixel_decoder.output_convs.', PIXELS + 'output_convs.'),
    Rule('pixel_decoder.mask_feature.', PIXELS + 'mask_features.'),
    Rule('pixel_decoder.level_encoding.weight', PIXELS + 'level_embed'),
    *_openmmlab_layer(
        'pixel_decoder.encoder.layers.{i}.',
        _ENCODER,
        (('self_attn.', 'self_attn.'), ('attentions.0.', 'self_attn.')),
    ),
    *_openmmlab_layer(
        'transformer_decoder.layers.{i}.',
        _DECODER,
        (
            ('cross_attn.attn.', 'cross_attn.'),
            ('attentions.0.attn.', 'cross_attn.'),
            ('self_attn.attn.', 'self_attn.'),
            ('attentions.1.attn.', 'self_attn.'),
        ),
    ),
    Rule('transformer_decoder.post_norm.', QUERIES + 'norm.'),
    Rule('decoder_input_projs.', QUERIES + 'input_projs.'),
    Rule('level_embed.', QUERIES + 'level_embed.'),
    Rule('query_feat.', QUERIES + 'query_feat.'),
    Rule('query_embed.', QUERIES + 'query_embed.'),
    Rule('cls_embed.', 'decode_head.class_embed.'),
    Rule('mask_embed.', 'decode_head.mask_embed.'),
]

_HF_PIXELS, _HF_QUERIES = 'model.pixel_level_module.decoder.', 'model.transformer_module.'
_HF_LAYER = _HF_QUERIES + 'decoder.layers.{i}.'

HUGGINGFACE_HEAD = [
    Rule(_HF_PIXELS + 'input_projections.{i}.0.', PIXELS + 'input_convs.{i}.conv.'),
    Rule(_HF_PIXELS + 'input_projections.{i}.1.', PIXELS + 'input_convs.{i}.gn.'),
    Rule(_HF_PIXELS + 'level_embed', PIXELS + 'level_embed'),
    *_encoder_rules(
        _HF_PIXELS + 'encoder.layers.{i}.', ('self_attn_layer_norm.', 'final_layer_norm.', 'fc1.', 'fc2.')
    ),
    Rule(_HF_PIXELS + 'adapter_1.0.', PIXELS + 'lateral_convs.0.conv.'),
    Rule(_HF_PIXELS + 'adapter_1.1.', PIXELS + 'lateral_convs.0.gn.'),
    Rule(_HF_PIXELS + 'layer_1.0.', PIXELS + 'output_convs.0.conv.'),
    Rule(_HF_PIXELS + 'layer_1.1.', PIXELS + 'output_convs.0.gn.'),
    Rule(_HF_PIXELS + 'mask_projection.', PIXELS + 'mask_features.'),
    Rule(_HF_LAYER + 'cross_attn.', _DECODER + 'cross_attn.'),
    Rule(_HF_LAYER + 'cross_attn_layer_norm.', _DECODER + 'norm1.'),
    Rule(
        tuple(_HF_LAYER + f'self_attn.{letter}_proj.' for letter in 'qkv'),
        _DECODER + 'self_attn.in_proj_',
    ),
    Rule(_HF_LAYER + 'self_attn.out_proj.', _DECODER + 'self_attn.out_proj.'),
    Rule(_HF_LAYER + 'self_attn_layer_norm.', _DECODER + 'norm2.'),
    Rule(_HF_LAYER + 'fc1.', _DECODER + 'ffn.0.'),
    Rule(_HF_LAYER + 'fc2.', _DECODER + 'ffn.3.'),
    Rule(_HF_LAYER + 'final_layer_norm.', _DECODER + 'norm3.'),
    Rule(_HF_QUERIES + 'decoder.layernorm.', QUERIES + 'norm.'),
    Rule(_HF_QUERIES + 'queries_embedder.', QUERIES + 'query_embed.'),
    Rule(_HF_QUERIES + 'queries_features.', QUERIES + 'query_feat.'),
    Rule(_HF_QUERIES + 'level_embed.', QUERIES + 'level_embed.'),
    Rule('class_predictor.', _CLASSIFIERS[0]),
    Rule(_HF_QUERIES + 'decoder.mask_predictor.mask_embedder.{i}.0.', _CLASSIFIERS[1]),
    Rule('criterion.empty_weight', None),  # derived from num_classes and no_object_weight
]

# A backbone of `transformers`' own, which counts stages from one and has no norm that nothing uses.
_HF_BACKBONE = 'model.pixel_level_module.encoder.'
HUGGINGFACE_SWIN = [
    *relocated(huggingface.SWIN, f'{_HF_BACKBONE}model.', _HF_BACKBONE),
    Rule(_HF_BACKBONE + 'hidden_states_norms.stage{i+1}.', 'backbone.norm{i}.'),
]


def _openmmlab(title: str, prefix: str) -> Format:
    """The format of a model whose head lies under a prefix."""
    head = [rule._replace(foreign=f'{prefix}{rule.foreign}') for rule in OPENMMLAB_HEAD]
    return Format(title, (f'{prefix}query_feat.',), [*head, *BACKBONE])


OFFICIAL = Format(
    'official Mask2Former',
    (_OFFICIAL_QUERIES + 'query_feat.', _OFFICIAL_QUERIES + 'static_query.'),
    official_rules,
)
HUGGINGFACE = Format(
    'HuggingFace Mask2Former',
    (_HF_QUERIES + 'queries_features.',),
    [*huggingface.RESNET, *HUGGINGFACE_SWIN, *HUGGINGFACE_HEAD],
)
FORMATS = [
    OFFICIAL,
    HUGGINGFACE,
    _openmmlab('MMDetection Mask2Former', 'panoptic_head.'),
    _openmmlab('MMSegmentation Mask2Former', 'decode_head.'),
]
