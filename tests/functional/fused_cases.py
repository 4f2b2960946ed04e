"""Cases of the fused mask losses, and how far these are from the plain formulas, on any device.

As a script, it runs all cases in Triton's interpreter, and prints one name and difference in a line:

    TRITON_INTERPRET=1 python tests/functional/fused_cases.py [number of random cases]
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmmaskformer.functional import fused_mask_losses
from mmmaskformer.functional.fused_mask_losses import FocalAndDice
from mmmaskformer.models.losses.mask_losses import dice_loss, focal_loss


class Case(NamedTuple):
    """Prediction ``size`` and target ``full`` size, and how many of both."""

    size: tuple[int, int]
    full: tuple[int, int]
    masks: int = 2
    targets: int = 2
    valid: bool = False
    dtype: torch.dtype = torch.float32
    settings: FocalAndDice = FocalAndDice()
    layout: str = 'contiguous'
    pixels: int = 1024


CASES = {
    'factor 4': Case((3, 5), (12, 20), masks=3),
    'valid': Case((3, 5), (12, 20), valid=True),
    'no factor': Case((5, 7), (13, 18), valid=True),
    'odd': Case((7, 9), (15, 27)),
    'one pixel': Case((1, 1), (1, 1)),
    'one cell': Case((1, 1), (5, 3)),
    'one row': Case((1, 6), (3, 24)),
    'same size': Case((3, 4), (3, 4)),
    'smaller': Case((6, 8), (3, 5)),
    'one mask': Case((4, 4), (8, 8), masks=1, targets=1),
    'no masks': Case((4, 4), (8, 8), masks=0),
    'no targets': Case((4, 4), (8, 8), masks=0, targets=0, valid=True),
    'fp16': Case((3, 5), (6, 10), dtype=torch.float16),
    'bf16': Case((3, 5), (6, 10), dtype=torch.bfloat16, valid=True),
    'other settings': Case((3, 5), (6, 10), settings=FocalAndDice(0.4, 1.5, 0.5)),
    'no focus': Case((3, 5), (6, 10), settings=FocalAndDice(0.4, 0.0, 0.5), valid=True),
    'strided': Case((3, 5), (6, 10), layout='strided', valid=True),
    'many programs': Case((4, 5), (8, 11), masks=1, pixels=32),
}


def random_cases(number: int) -> dict[str, Case]:
    """Sizes and options from a generator of their own."""
    draw = torch.Generator().manual_seed(0)
    cases = {}
    for i in range(number):
        h, w, masks, targets = (int(torch.randint(1, 7, (), generator=draw)) for _ in range(4))
        H, W = (int(torch.randint(1, 25, (), generator=draw)) for _ in range(2))
        cases[f'random {i}'] = Case((h, w), (H, W), masks, targets, valid=i % 2 == 0)
    return cases


def difference(case: Case, device: str = 'cpu') -> float:
    """The largest difference of values and gradients, as a part of the allowed: 1 is the limit.

    Values and float32 gradients: 1e-5, absolute and relative to the largest; half gradients: two roundings.
    """
    logits, targets, index, valid = _inputs(case, device)
    weights = torch.rand(2, case.masks, device=device) + 0.1
    results = []
    for function in (_fused, _plain):
        values = function(case, logits, targets, index, valid)
        (grad,) = torch.autograd.grad((values * weights).sum(), logits)
        results.append((values.detach().double(), grad.double()))
        assert values.dtype == torch.float32
        assert (values.shape, grad.shape) == ((2, case.masks), logits.shape)
    rounding = max(1e-5, 2 * torch.finfo(case.dtype).eps)
    return max(_excess(*pair, limit) for pair, limit in zip(zip(*results), (1e-5, rounding), strict=True))


def _excess(ours: Tensor, plain: Tensor, limit: float) -> float:
    if not plain.numel():
        return 0.0
    scale = plain.abs().max().clamp(min=1e-6)
    return float((ours - plain).abs().max() / scale / limit)


def _inputs(case: Case, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    torch.manual_seed(sum(case.size) + sum(case.full))
    logits = 4 * torch.randn(case.masks, *case.size)
    targets = torch.rand(case.targets, *case.full) > 0.6
    valid = torch.rand(case.targets, *case.full) > 0.3 if case.valid else None
    index = (torch.arange(case.masks) + 1) % max(1, case.targets)
    if valid is not None:
        valid[:1] = False  # a target without any pixel that counts
    if case.layout == 'strided':
        logits, index = logits.mT.contiguous().mT, index.repeat_interleave(2)[::2]
        targets = targets.repeat_interleave(2, 2)[..., ::2]
        valid = valid[1:, :1].expand(case.targets, *case.full)
    logits = logits.to(device, case.dtype).requires_grad_()
    return logits, targets.to(device), index.to(device), None if valid is None else valid.to(device)


def _fused(case: Case, logits: Tensor, targets: Tensor, index: Tensor, valid: Tensor | None) -> Tensor:
    before = fused_mask_losses.PIXELS, fused_mask_losses.STEPS
    fused_mask_losses.PIXELS, fused_mask_losses.STEPS = case.pixels, 2 if case.pixels < 1024 else 1
    try:
        return fused_mask_losses.fused_mask_losses(logits, targets, index, case.settings, valid)
    finally:
        fused_mask_losses.PIXELS, fused_mask_losses.STEPS = before


def _plain(case: Case, logits: Tensor, targets: Tensor, index: Tensor, valid: Tensor | None) -> Tensor:
    """Upsample everything, then the plain formulas, differentiated by autograd."""
    alpha, gamma, smooth = case.settings
    masks = logits.float()[:, None]
    rows = F.interpolate(masks, size=case.full, mode='bilinear', align_corners=False).flatten(1)
    counted = None if valid is None else valid[index].flatten(1)
    sides = targets[index].flatten(1)
    return torch.stack(
        [focal_loss(rows, sides, counted, alpha, gamma), dice_loss(rows, sides, counted, smooth)]
    )


def import_triton_anew() -> None:
    """Its interpreter is chosen when Triton is imported, and a process may have done so before."""
    for name in [name for name in sys.modules if re.match(r'triton(?!\._C)\b', name)]:
        del sys.modules[name]


if __name__ == '__main__':
    import_triton_anew()
    for name, case in {**CASES, **random_cases(int([*sys.argv, 2][1]))}.items():
        print(f'{name}: {difference(case)}', flush=True)
