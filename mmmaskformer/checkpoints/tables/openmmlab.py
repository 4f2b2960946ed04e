"""Checkpoints of OpenMMLab's own MaskFormers and backbones as rename tables."""

from __future__ import annotations

from ..rules import Format, Rule

_PIXELS, _OUR_PIXELS = 'pixel_decoder.', 'decode_head.pixel_decoder.'
_ENCODER, _OUR_ENCODER = _PIXELS + 'encoder.layers.{i}.', _OUR_PIXELS + 'layers.{i}.'
_QUERIES = 'decode_head.transformer_decoder.'
_DECODER, _OUR_DECODER = 'transformer_decoder.layers.{i}.', _QUERIES + 'layers.{i}.'


def _layer(foreign: str, ours: str, *attentions: str) -> list[Rule]:
    """A transformer layer, as MMDetection 3.0 names its parts and as MMCV did in earlier releases."""
    rules = [Rule(foreign + 'norms.{k}.', ours + 'norm{k+1}.')]
    for i, name in enumerate(attentions):
        rules += [Rule(foreign + f'{old}.attn.', ours + f'{name}.') for old in (name, f'attentions.{i}')]
    for old in ('ffn', 'ffns.0'):
        rules.append(Rule(foreign + f'{old}.layers.0.0.', ours + 'ffn.0.'))
        rules.append(Rule(foreign + f'{old}.layers.1.', ours + 'ffn.3.'))
    return rules


# Names within mmdet's MaskFormerHead, which mmseg's inherits.
HEAD = [
    Rule(_PIXELS + 'lateral_convs.', _OUR_PIXELS + 'lateral_convs.'),
    Rule(_PIXELS + 'output_convs.', _OUR_PIXELS + 'output_convs.'),
    Rule(_PIXELS + 'last_feat_conv.', _OUR_PIXELS + 'output_convs.3.'),
    Rule(_PIXELS + 'encoder_in_proj.', _OUR_PIXELS + 'input_proj.'),
    Rule(_PIXELS + 'encoder_out_proj.', _OUR_PIXELS + 'output_convs.3.'),
    Rule(_PIXELS + 'mask_feature.', _OUR_PIXELS + 'mask_features.'),
    *_layer(_ENCODER, _OUR_ENCODER, 'self_attn'),
    *_layer(_DECODER, _OUR_DECODER, 'self_attn', 'cross_attn'),
    Rule('transformer_decoder.post_norm.', _QUERIES + 'norm.'),
    Rule('decoder_input_proj.', _QUERIES + 'input_proj.'),
    Rule('query_embed.', _QUERIES + 'query_embed.'),
    Rule('cls_embed.', 'decode_head.class_embed.'),
    Rule('mask_embed.', 'decode_head.mask_embed.'),
]

# Backbones are the same classes or have the same names: those of MMPretrain, and torchvision's for ResNets.
BACKBONE = [Rule('backbone.', 'backbone.')]


def _whole(prefix: str) -> list[Rule]:
    """The table of a model whose head lies under a prefix."""
    return [*(rule._replace(foreign=f'{prefix}{rule.foreign}') for rule in HEAD), *BACKBONE]


FORMATS = [
    Format('MMDetection', ('panoptic_head.',), _whole('panoptic_head.')),
    Format('MMSegmentation', ('decode_head.cls_embed.',), _whole('decode_head.')),
    Format('MMPretrain', ('backbone.',), [Rule('head.', None), *BACKBONE], whole=False, ours=True),
    Format(  # bare ResNets of OpenMMLab and torchvision, bare Swin Transformers of OpenMMLab
        'OpenMMLab or torchvision backbone',
        ('layer1.', 'patch_embed.projection.'),
        [Rule('fc.', None), Rule('head.', None), Rule('', 'backbone.')],
        whole=False,
        ours=True,
    ),
]
