"""A small EoMT on which tests run: four blocks, queries in the last two."""

from __future__ import annotations

from typing import Any

import torch
from small_models import small_model
from torch import nn

BACKBONE: dict[str, Any] = dict(
    type='mmmaskformer.QueryVisionTransformer',
    arch=dict(embed_dims=16, num_layers=4, num_heads=4, feedforward_channels=32),
    img_size=64,
    patch_size=16,
    num_registers=2,
    num_query_blocks=2,
    layer_scale_init_value=0.5,
)
HEAD: dict[str, Any] = dict(
    type='mmmaskformer.EoMTHead',
    in_channels=[16],
    num_classes=4,
    num_queries=7,
    num_query_blocks=2,
    criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=64),
)
PARTS = dict(backbone=BACKBONE, decode_head=HEAD)
META = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'd'))


def eomt(**changes) -> nn.Module:
    """A segmentor whose queries differ in class and mask."""
    torch.manual_seed(1)
    parts = {name: {**part, **changes.pop(name, {})} for name, part in PARTS.items()}
    model = small_model(**parts, **changes)
    with torch.no_grad():
        model.decode_head.class_embed.weight.mul_(6)
        model.decode_head.mask_embed[-1].weight.mul_(6)
    model.dataset_meta = META
    return model
