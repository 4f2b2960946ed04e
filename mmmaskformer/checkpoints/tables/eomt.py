"""EoMT in other code bases, and the vision transformers (DINOv2's) it starts from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..rules import Format, Rule, Transform, relocated

_BLOCK = 'backbone.layers.{i}.'
_ONE_ROW = Transform(lambda table: table[None], lambda table: table[0])


def _has_packed_gates(names: Collection[str]) -> bool:
    """Whether networks with gates have the names of those without, as timm's: the first layer is wider.

    Also true of our own names where there are gates, since what is written has timm's.
    """
    if any('.ffn.w12.' in name for name in names):
        return True
    fc1 = next((name for name in names if name.endswith('blocks.0.mlp.fc1.weight')), None)
    if fc1 is None or not isinstance(names, Mapping):
        return False
    return len(names[fc1]) != names[fc1.replace('.fc1.', '.fc2.')].shape[-1]


_HF_BLOCK = 'layers.{i}.'
HUGGINGFACE_RULES = [
    Rule('embeddings.cls_token', 'backbone.cls_token'),
    Rule('embeddings.register_tokens', 'backbone.register_tokens'),
    Rule('embeddings.position_embeddings.weight', 'backbone.pos_embed', _ONE_ROW),
    Rule('embeddings.patch_embeddings.projection.', 'backbone.patch_embed.projection.'),
    Rule(_HF_BLOCK + 'norm{k}.', _BLOCK + 'ln{k}.'),
    Rule(_HF_BLOCK + 'layer_scale1.lambda1', _BLOCK + 'attn.gamma1.weight'),
    Rule(_HF_BLOCK + 'layer_scale2.lambda1', _BLOCK + 'ffn.gamma2.weight'),
    Rule(tuple(_HF_BLOCK + f'attention.{letter}_proj.' for letter in 'qkv'), _BLOCK + 'attn.qkv.'),
    Rule(_HF_BLOCK + 'attention.out_proj.', _BLOCK + 'attn.proj.'),
    Rule(_HF_BLOCK + 'mlp.fc1.', _BLOCK + 'ffn.layers.0.0.'),
    Rule(_HF_BLOCK + 'mlp.fc2.', _BLOCK + 'ffn.layers.1.'),
    Rule(_HF_BLOCK + 'mlp.weights_in.', _BLOCK + 'ffn.w12.'),
    Rule(_HF_BLOCK + 'mlp.weights_out.', _BLOCK + 'ffn.w3.'),
    Rule('layernorm.', 'backbone.ln1.'),
    Rule('query.', 'decode_head.query_embed.'),
    Rule('upscale_block.block.{i}.conv1.', 'decode_head.upscale.{i}.upsample.'),
    Rule('upscale_block.block.{i}.conv2.', 'decode_head.upscale.{i}.depthwise.'),
    Rule('upscale_block.block.{i}.layernorm2d.', 'decode_head.upscale.{i}.norm.'),
    Rule('mask_head.fc{i+1}.', 'decode_head.mask_embed.{2i}.'),
    Rule('class_predictor.', 'decode_head.class_embed.'),
    Rule('attn_mask_probs', 'decode_head.attn_mask_probs'),
    Rule('criterion.empty_weight', None),  # derived from num_classes and no_object_weight
]


def vit_rules(names: Collection[str]) -> list[Rule]:
    """The table of a vision transformer of timm or of DINOv2's authors, ``backbone.`` before our names."""
    block = 'blocks.{i}.'
    packed = _has_packed_gates(names)
    return [
        Rule('cls_token', 'backbone.cls_token'),
        Rule('reg_token', 'backbone.register_tokens'),  # timm
        Rule('register_tokens', 'backbone.register_tokens'),
        Rule('pos_embed', 'backbone.pos_embed'),
        Rule('mask_token', None),  # of the training of DINOv2
        Rule('head.', None),
        Rule('patch_embed.proj.', 'backbone.patch_embed.projection.'),
        Rule(block + 'norm{k}.', _BLOCK + 'ln{k}.'),
        Rule(block + 'ls1.gamma', _BLOCK + 'attn.gamma1.weight'),
        Rule(block + 'ls2.gamma', _BLOCK + 'ffn.gamma2.weight'),
        Rule(block + 'attn.', _BLOCK + 'attn.'),
        Rule(block + 'mlp.fc1.', _BLOCK + ('ffn.w12.' if packed else 'ffn.layers.0.0.')),
        Rule(block + 'mlp.fc2.', _BLOCK + ('ffn.w3.' if packed else 'ffn.layers.1.')),
        Rule(block + 'mlp.', _BLOCK + 'ffn.'),
        Rule('norm.', 'backbone.ln1.'),
    ]


_OFFICIAL_BACKBONE = 'network.encoder.backbone.'


def official_rules(names: Collection[str]) -> list[Rule]:
    """The table of the official code, whose backbone is timm's."""
    return [
        *relocated(vit_rules(names), '', _OFFICIAL_BACKBONE),
        Rule('network.encoder.pixel_', None),  # mean and standard deviation, set by the data preprocessor
        Rule('network.q.', 'decode_head.query_embed.'),
        Rule('network.upscale.{i}.conv1.', 'decode_head.upscale.{i}.upsample.'),
        Rule('network.upscale.{i}.conv2.', 'decode_head.upscale.{i}.depthwise.'),
        Rule('network.upscale.{i}.norm.', 'decode_head.upscale.{i}.norm.'),
        Rule('network.mask_head.', 'decode_head.mask_embed.'),
        Rule('network.class_head.', 'decode_head.class_embed.'),
        Rule('network.attn_mask_probs', 'decode_head.attn_mask_probs'),
        Rule('criterion.empty_weight', None),
    ]


HUGGINGFACE = Format('HuggingFace EoMT', ('upscale_block.block.',), HUGGINGFACE_RULES)
OFFICIAL = Format('official EoMT', ('network.encoder.backbone.',), official_rules)
FORMATS = [
    HUGGINGFACE,
    OFFICIAL,
    # longer than the mark of Swin's authors, whose patch embedding has the same name
    Format('timm or DINOv2 backbone', ('blocks.0.attn.qkv.weight',), vit_rules, whole=False),
]
