"""Mask losses and their gradients of all layers, by the Triton kernels and by the plain form."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from measure import peak_memory, seconds_of
from torch import Tensor

from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.fused_mask_losses import FocalAndDice, fused_mask_losses
from mmmaskformer.models.losses.mask_losses import MaskDiceLoss, MaskFocalLoss
from mmmaskformer.models.losses.matched_mask_losses import matched_mask_losses

from . import Settings
from .speed import sentence

REPEATS = 7
TERMS = [MaskFocalLoss(), MaskDiceLoss()]
# Layers, segments of all images, height, width
SIZES = {'semantic, 16 x 512x512': (6, 144, 512, 512), 'panoptic, 4 x 800x1216': (6, 120, 800, 1216)}
TINY = {'semantic, 2 x 64x64': (2, 3, 64, 64)}


def run(settings: Settings) -> None:
    """Two rows for each size; without a GPU there is the plain form alone."""
    device = torch.device(settings.device)
    for case, size in (TINY if settings.dry_run else SIZES).items():
        work = Work(*size, device)
        for form, function in (('fused', work.fused), ('plain', work.plain)):
            row = dict(case=case, form=form)
            if form == 'fused' and device.type != 'cuda':
                settings.record(dict(row, failure='not run: the kernels need a GPU'))
                continue
            try:
                difference = work.difference(function)  # compiles, too
                seconds = statistics.median(seconds_of(function, device) for _ in range(REPEATS))
                peak = peak_memory(function, device)
                settings.record(dict(row, seconds=seconds, peak_mib=peak, difference=f'{difference:.1e}'))
            except Exception as error:
                settings.record(dict(row, failure=sentence(error)))


class Work:
    """Matched masks of all layers."""

    def __init__(self, layers: int, segments: int, height: int, width: int, device: torch.device):
        shape = layers * segments, height // 4, width // 4
        self.logits = torch.randn(shape, device=device).requires_grad_()
        self.targets = torch.rand(segments, height, width, device=device) > 0.5
        self.index = torch.arange(segments, device=device).repeat(layers)

    def fused(self) -> Tensor:
        values = fused_mask_losses(self.logits, self.targets, self.index, FocalAndDice())
        return self._gradient(values)

    def plain(self) -> Tensor:
        with plain_functions():
            return self._gradient(matched_mask_losses(TERMS, self.logits, self.targets, self.index))

    def difference(self, function: Callable[[], Tensor]) -> float:
        """Of the gradients, as a part of the largest."""
        plain = self.plain()
        return float((function() - plain).abs().max() / plain.abs().max())

    def _gradient(self, values: Tensor) -> Tensor:
        return torch.autograd.grad(values.sum(), self.logits)[0]
