"""Training steps of small models, and whether two of them did the same."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from small_models import HEAD, small_model
from torch import Tensor, nn

from mmmaskformer.registry import MODELS

ENCODER = dict(
    pixel_decoder=dict(
        type='mmmaskformer.TransformerEncoderPixelDecoder',
        channels=16,
        mask_channels=12,
        norm_cfg=dict(type='GN', num_groups=4),
        num_layers=1,
        num_heads=4,
        ffn_channels=24,
        dropout=0.1,
    ),
    transformer_decoder={**HEAD['transformer_decoder'], 'dropout': 0.1},
)
QUIET = {name: {**config, 'dropout': 0.0} for name, config in ENCODER.items()}
RESNET = dict(  # without strided 1x1 convolutions: see models/memory_format.py
    type='mmpretrain.ResNet',
    depth=18,
    stem_channels=8,
    base_channels=8,
    avg_down=True,
    out_indices=(0, 1, 2, 3),
)
SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=8, depths=[2, 2, 1, 1], num_heads=[1, 2, 4, 8]),
    window_size=4,
    drop_path_rate=0.3,
    out_indices=(0, 1, 2, 3),
    pad_small_map=True,
)


@MODELS.register_module()
class FourConvs(BaseModule):
    """A backbone whose parts know no ``with_cp``, and which compiles fast."""

    def __init__(self):
        super().__init__()
        widths, strides = (3, 8, 16, 32, 64), (4, 2, 2, 2)
        self.convs = nn.ModuleList(nn.Conv2d(*c, s, s) for *c, s in zip(widths, widths[1:], strides))

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        maps = []
        for conv in self.convs:
            x = conv(x).relu()
            maps.append(x)
        return maps


CONVS = dict(backbone=dict(type='FourConvs', _scope_='mmmaskformer'))


def build(**changes) -> nn.Module:
    torch.manual_seed(0)
    return small_model(**changes)


def step(model: nn.Module, batch: dict) -> dict[str, Tensor]:
    """Losses, gradients and buffers of a training step with given random numbers."""
    model.train().zero_grad()
    torch.manual_seed(1)
    losses = model.loss(**model.data_preprocessor(copy.deepcopy(batch), training=True))
    total, _ = model.parse_losses(losses)
    total.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    return {**losses, **gradients, **{name: b.clone() for name, b in model.named_buffers()}}


def assert_same(actual: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        error = (actual[name].cpu().double() - value.cpu().double()).norm()
        assert error <= tolerance * max(value.double().norm(), 1e-3), name


def kept_bytes(model: nn.Module, batch: dict) -> int:
    """What a training step keeps for its backward pass, each piece of memory counted once."""
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step(model, batch)
    return sum(kept.values())
