"""HuggingFace's MaskFormer, and its Swin and ResNet classifiers, as rename tables."""

from __future__ import annotations

from ..rules import PATCH_MERGING, Format, Rule, relocated

_BACKBONE = 'model.pixel_level_module.encoder.'
_BLOCK, _OUR_BLOCK = _BACKBONE + 'encoder.stages.{i}.layers.{j}.', 'backbone.layer{i+1}.{j}.'

RESNET = [
    Rule(_BACKBONE + 'embedder.embedder.convolution.', 'backbone.conv1.'),
    Rule(_BACKBONE + 'embedder.embedder.normalization.', 'backbone.bn1.'),
    Rule(_BLOCK + 'shortcut.convolution.', _OUR_BLOCK + 'downsample.0.'),
    Rule(_BLOCK + 'shortcut.normalization.', _OUR_BLOCK + 'downsample.1.'),
    Rule(_BLOCK + 'layer.{k}.convolution.', _OUR_BLOCK + 'conv{k+1}.'),
    Rule(_BLOCK + 'layer.{k}.normalization.', _OUR_BLOCK + 'bn{k+1}.'),
]

_SWIN = _BACKBONE + 'model.'
_SWIN_BLOCK, _OUR_SWIN_BLOCK = _SWIN + 'encoder.layers.{i}.blocks.{j}.', 'backbone.stages.{i}.blocks.{j}.'
_ATTENTION, _OUR_ATTENTION = _SWIN_BLOCK + 'attention.self.', _OUR_SWIN_BLOCK + 'attn.w_msa.'

SWIN = [
    Rule(_SWIN + 'embeddings.patch_embeddings.projection.', 'backbone.patch_embed.projection.'),
    Rule(_SWIN + 'embeddings.norm.', 'backbone.patch_embed.norm.'),
    Rule(tuple(_ATTENTION + f'{part}.' for part in ('query', 'key', 'value')), _OUR_ATTENTION + 'qkv.'),
    Rule(_ATTENTION + 'relative_position_', _OUR_ATTENTION + 'relative_position_'),
    Rule(_SWIN_BLOCK + 'attention.output.dense.', _OUR_ATTENTION + 'proj.'),
    Rule(_SWIN_BLOCK + 'layernorm_before.', _OUR_SWIN_BLOCK + 'norm1.'),
    Rule(_SWIN_BLOCK + 'layernorm_after.', _OUR_SWIN_BLOCK + 'norm2.'),
    Rule(_SWIN_BLOCK + 'intermediate.dense.', _OUR_SWIN_BLOCK + 'ffn.layers.0.0.'),
    Rule(_SWIN_BLOCK + 'output.dense.', _OUR_SWIN_BLOCK + 'ffn.layers.1.'),
    Rule(_SWIN + 'encoder.layers.{i}.downsample.', 'backbone.stages.{i}.downsample.', PATCH_MERGING),
    Rule(_SWIN + 'layernorm.', None),  # nothing uses its output
    Rule(_BACKBONE + 'hidden_states_norms.{i}.', 'backbone.norm{i}.'),
]

_PIXELS, _OUR_PIXELS = 'model.pixel_level_module.decoder.', 'decode_head.pixel_decoder.'
_LEVEL = _PIXELS + 'fpn.layers.{2-i}.'  # four levels: the coarsest is the stem, the others coarsest first
_QUERIES, _OUR_QUERIES = 'model.transformer_module.', 'decode_head.transformer_decoder.'
_LAYER, _OUR_LAYER = _QUERIES + 'decoder.layers.{i}.', _OUR_QUERIES + 'layers.{i}.'


def _attention(foreign: str, ours: str) -> list[Rule]:
    parts = tuple(_LAYER + f'{foreign}.{letter}_proj.' for letter in 'qkv')
    return [
        Rule(parts, _OUR_LAYER + f'{ours}.in_proj_'),
        Rule(_LAYER + f'{foreign}.out_proj.', _OUR_LAYER + f'{ours}.out_proj.'),
    ]


HEAD = [
    Rule(_PIXELS + 'fpn.stem.0.', _OUR_PIXELS + 'output_convs.3.conv.'),
    Rule(_PIXELS + 'fpn.stem.1.', _OUR_PIXELS + 'output_convs.3.gn.'),
    Rule(_LEVEL + 'proj.0.', _OUR_PIXELS + 'lateral_convs.{i}.conv.'),
    Rule(_LEVEL + 'proj.1.', _OUR_PIXELS + 'lateral_convs.{i}.gn.'),
    Rule(_LEVEL + 'block.0.', _OUR_PIXELS + 'output_convs.{i}.conv.'),
    Rule(_LEVEL + 'block.1.', _OUR_PIXELS + 'output_convs.{i}.gn.'),
    Rule(_PIXELS + 'mask_projection.', _OUR_PIXELS + 'mask_features.'),
    Rule(_QUERIES + 'queries_embedder.', _OUR_QUERIES + 'query_embed.'),
    Rule(_QUERIES + 'input_projection.', _OUR_QUERIES + 'input_proj.'),
    Rule(_QUERIES + 'decoder.layernorm.', _OUR_QUERIES + 'norm.'),
    *_attention('self_attn', 'self_attn'),
    *_attention('encoder_attn', 'cross_attn'),
    Rule(_LAYER + 'self_attn_layer_norm.', _OUR_LAYER + 'norm1.'),
    Rule(_LAYER + 'encoder_attn_layer_norm.', _OUR_LAYER + 'norm2.'),
    Rule(_LAYER + 'final_layer_norm.', _OUR_LAYER + 'norm3.'),
    Rule(_LAYER + 'fc1.', _OUR_LAYER + 'ffn.0.'),
    Rule(_LAYER + 'fc2.', _OUR_LAYER + 'ffn.3.'),
    Rule('class_predictor.', 'decode_head.class_embed.'),
    Rule('mask_embedder.{i}.0.', 'decode_head.mask_embed.{2i}.'),
    Rule('criterion.empty_weight', None),  # derived from num_classes and no_object_weight
]


BACKBONE = [  # SwinForImageClassification and ResNetForImageClassification
    Rule('classifier.', None),
    Rule('swin.layernorm.', 'backbone.norm3.'),
    *relocated(SWIN, _SWIN, 'swin.'),
    *relocated(RESNET, _BACKBONE, 'resnet.'),
]
HUGGINGFACE = Format('HuggingFace', ('model.pixel_level_module.',), [*RESNET, *SWIN, *HEAD])
FORMATS = [HUGGINGFACE, Format('HuggingFace backbone', ('swin.', 'resnet.'), BACKBONE, whole=False)]
