#!/usr/bin/env python
"""What a card should hold: a model of memory in training, from shapes alone. Nothing runs, no GPU is needed.

    python benchmarks/memory_model.py

Bytes = 16 for each parameter (weight, gradient, AdamW's two moments) + 0.6e9 for CUDA and its libraries +,
for each image, what the backward pass keeps + three times the largest tensor of it (its gradient, that of
its input, a workspace) + the losses: matched logits, their gradient, and the targets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmmaskformer  # noqa: F401
from mmmaskformer.functional.mask_factors import MaskFactors
from mmmaskformer.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[1] / 'configs/maskformer'
RECIPES = {
    'R50': 'maskformer_r50_8xb2-160k_ade20k-512x512.py',
    'Swin-T': 'maskformer_swin-t_8xb2-160k_ade20k-512x512.py',
    'Swin-L': 'maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640.py',
}
SIZES = (512, 640, 1024)
SEGMENTS, LAYERS = 20, 6
CARD, CONTEXT = 24e9, 0.6e9


class Memory(NamedTuple):
    """Bytes: of parameters, and for each image."""

    parameters: int
    kept: int
    largest: int
    losses: int

    @property
    def fixed(self) -> float:
        return 4 * self.parameters + CONTEXT  # gradients and moments, too

    @property
    def per_image(self) -> int:
        return self.kept + 3 * self.largest + self.losses

    def images(self, card: float = CARD) -> int:
        """How many images fit."""
        return max(0, int((card - self.fixed) // self.per_image))


def memory_of(model: Any, size: int) -> Memory:
    """Of a model on the device 'meta', in float32, for square images."""
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage._cdata] = storage
        return tensor

    images = torch.zeros(1, 3, size, size, device='meta')
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        factors = model.decode_head(model.extract_feat(images), multiply=MaskFactors.unmultiplied)
    assert factors.class_logits.shape[0] == LAYERS
    own = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    sizes = [storage.nbytes() for key, storage in storages.items() if key not in own]
    matched = SEGMENTS * LAYERS * (size // 4) ** 2
    parameters = sum(p.nbytes for p in model.parameters())
    return Memory(parameters, sum(sizes), max(sizes), 2 * 4 * matched + SEGMENTS * size**2)


def main() -> None:
    init_default_scope('mmseg')
    print('| backbone | image | M parameters | held, GB | kept, GB | per image, GB | images in 24 GB |')
    print('|-|-|-|-|-|-|-|')
    for name, recipe in RECIPES.items():
        cfg = Config.fromfile(CONFIGS / recipe)
        model = MODELS.build(cfg.model).train().to('meta')
        for size in SIZES:
            memory = memory_of(model, size)
            figures = (memory.fixed, memory.kept, memory.per_image)
            gigabytes = ' | '.join(f'{value / 1e9:.2f}' for value in figures)
            millions = memory.parameters / 4e6
            print(f'| {name} | {size}x{size} | {millions:.0f} | {gigabytes} | {memory.images()} |')


if __name__ == '__main__':
    main()
