"""Focal and dice loss of upsampled masks in two Triton kernels, on CUDA: one forward, one backward.

Replaces `upsampled_losses.upsampled_mask_losses` with these two formulas, to rounding. What is kept for the
backward pass are the logits themselves, and nothing is made at full resolution.
`models.losses.matched_mask_losses` chooses between the two forms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PIXELS = 1024  # of a program, at a time
STEPS = 8  # of a program of `mask_sums`, which adds up so many times as many


class FocalAndDice(NamedTuple):
    """Settings of the two losses, as `models.losses.mask_losses` has them."""

    alpha: float = 0.25
    gamma: float = 2.0
    smooth: float = 1.0


def fused_mask_losses(
    logits: Tensor,
    targets: Tensor,
    index: Tensor,
    settings: FocalAndDice,
    valid: Tensor | None = None,
) -> Tensor:
    """Per-mask focal and dice losses at the targets' resolution.

    Computes in float32 whatever the type of the logits; deterministic; not differentiable twice.

    Args:
        logits: ``(M, h, w)`` matched mask logits, float32, float16 or bfloat16.
        targets: ``(S, H, W)`` bool masks.
        index: ``(M,)`` target of each prediction.
        settings: Of the formulas.
        valid: ``(S, H, W)`` bool, pixels that count for each target; None counts all.

    Returns:
        ``(2, M)`` float32.
    """
    return _FusedMaskLosses.apply(logits, targets, index, settings, valid)


class _FusedMaskLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, index: Tensor, settings: FocalAndDice, valid: Tensor | None
    ) -> Tensor:
        inputs = [logits.contiguous(), targets.contiguous(), index.contiguous()]
        if valid is not None:
            inputs.append(valid.contiguous())
        focal, missed_inside, missed_outside, area, counted = _sums(*inputs, settings=settings).unbind(1)
        counted = counted.clamp(min=1)
        overlap = area - missed_inside
        numerator = 2 * overlap + settings.smooth
        denominator = overlap + missed_outside + area + settings.smooth
        ctx.settings = settings
        ctx.save_for_backward(counted, numerator, denominator, *inputs)
        return torch.stack([focal / counted, 1 - numerator / denominator])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_values: Tensor) -> tuple[Tensor | None, ...]:
        counted, numerator, denominator, *inputs = ctx.saved_tensors
        focal, dice = grad_values
        focal = focal / counted  # dL/dz is the slope times the balance, with z = -logit inside the target
        outside = dice * numerator / denominator**2
        inside = outside - 2 * dice / denominator
        alpha = ctx.settings.alpha
        factors = torch.stack([-alpha * focal, (1 - alpha) * focal, inside, outside], 1)
        return _gradients(*inputs, factors=factors, settings=ctx.settings), None, None, None, None


def _sums(
    logits: Tensor, targets: Tensor, index: Tensor, valid: Tensor | None = None, *, settings: FocalAndDice
) -> Tensor:
    """What the losses are made of, ``(M, 5)``: see the kernel."""
    from .fused_mask_kernels import mask_sums

    parts = -(-targets[0].numel() // (PIXELS * STEPS)) if len(targets) else 1
    sums = logits.new_empty(len(logits), parts, 5, dtype=torch.float32)
    if len(logits):
        mask_sums[(len(logits) * parts,)](
            logits,
            *_bytes(targets, valid),
            index,
            sums,
            *_geometry(logits, targets),
            parts,
            alpha=settings.alpha,
            gamma=settings.gamma,
            has_valid=valid is not None,
            block=PIXELS,
            steps=STEPS,
        )
    return sums.sum(1)


def _gradients(
    logits: Tensor,
    targets: Tensor,
    index: Tensor,
    valid: Tensor | None = None,
    *,
    factors: Tensor,
    settings: FocalAndDice,
) -> Tensor:
    """Derivative by the logits, ``(M, h, w)``."""
    from .fused_mask_kernels import mask_gradients

    grads = torch.empty_like(logits)
    if len(logits):
        rows, columns = (-(-2 * full // coarse) for full, coarse in zip(targets.shape[1:], logits.shape[1:]))
        columns = 1 << (columns - 1).bit_length()
        cells = max(1, PIXELS // columns)
        parts = -(-logits[0].numel() // cells)
        mask_gradients[(len(logits) * parts,)](
            logits,
            *_bytes(targets, valid),
            index,
            factors,
            grads,
            *_geometry(logits, targets),
            parts,
            reach=rows,
            columns=columns,
            gamma=settings.gamma,
            has_valid=valid is not None,
            block=cells,
        )
    return grads


def _bytes(targets: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    masks = targets.view(torch.uint8)
    return masks, masks if valid is None else valid.view(torch.uint8)


def _geometry(logits: Tensor, targets: Tensor) -> tuple[float, ...]:
    """h, w, H, W, and the steps of a pixel in cells."""
    (h, w), (H, W) = logits.shape[1:], targets.shape[1:]
    return h, w, H, W, h / H, w / W
