"""Focal and dice: the pairwise form (matching), the matched form, and the form that upsamples.

All three compute one formula. Probabilities come from logits through stable functions, so logits of any
size give finite values. Paper, sections 3.3 and 4.1; every term has the official implementation's scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# (logits, probabilities, targets, valid) -> per-mask values (M,) and d value / d logits (M, H, W)
ValueAndGrad = Callable[[Tensor, Tensor, Tensor, 'Tensor | None'], tuple[Tensor, Tensor]]

# Masks are upsampled a few at a time: on a CPU few enough to stay in its cache, on a GPU enough to fill it.
CHUNK_PIXELS = {'cpu': 2**20, 'cuda': 2**25}


def pairwise_focal(
    logits: Tensor, targets: Tensor, valid: Tensor | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss of every prediction against every target, as one matrix product.

    Args:
        logits: ``(N, P)`` mask logits over P pixels.
        targets: ``(S, P)`` 0/1 masks of the logits' dtype.
        valid: ``(P,)`` 0/1 weights of the pixels; None counts them all.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.

    Returns:
        ``(N, S)``, mean over the counted pixels.
    """
    prob = logits.sigmoid()
    foreground = alpha * (1 - prob) ** gamma * F.softplus(-logits)
    background = (1 - alpha) * prob**gamma * F.softplus(logits)
    if valid is not None:
        foreground, background = foreground * valid, background * valid
    total = (foreground - background) @ targets.T + background.sum(1, keepdim=True)
    return total / _num_pixels(logits, valid)


def pairwise_dice(
    logits: Tensor, targets: Tensor, valid: Tensor | None = None, smooth: float = 1.0
) -> Tensor:
    """Dice loss of every prediction against every target; shapes as in :func:`pairwise_focal`."""
    prob = logits.sigmoid()
    if valid is not None:
        prob, targets = prob * valid, targets * valid
    overlap = 2 * prob @ targets.T
    area = prob.sum(1, keepdim=True) + targets.sum(1)
    return 1 - (overlap + smooth) / (area + smooth)


def focal_loss(
    logits: Tensor, targets: Tensor, valid: Tensor | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss of matched pairs.

    Args:
        logits: ``(M, P)`` mask logits.
        targets: ``(M, P)`` 0/1 masks.
        valid: ``(M, P)`` 0/1 weights of the pixels; None counts them all.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.

    Returns:
        ``(M,)``, mean over the counted pixels of each mask.
    """
    targets = targets.to(logits)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
    missed = (targets - logits.sigmoid()).abs()  # 1 - p(true side)
    loss = (alpha * targets + (1 - alpha) * (1 - targets)) * missed**gamma * cross_entropy
    if valid is not None:
        loss = loss * valid
    return loss.sum(1) / _num_pixels(logits, valid)


def dice_loss(logits: Tensor, targets: Tensor, valid: Tensor | None = None, smooth: float = 1.0) -> Tensor:
    """Dice loss of matched pairs, ``(M,)``; shapes as in :func:`focal_loss`."""
    prob, targets = logits.sigmoid(), targets.to(logits)
    if valid is not None:
        prob, targets = prob * valid, targets * valid
    return 1 - (2 * (prob * targets).sum(1) + smooth) / (prob.sum(1) + targets.sum(1) + smooth)


def focal_value_and_grad(
    logits: Tensor,
    prob: Tensor,
    targets: Tensor,
    valid: Tensor | None = None,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> tuple[Tensor, Tensor]:
    """:func:`focal_loss` and its derivative in closed form.

    With z = +-logit, signed so that large means right, and q = sigmoid(z):
    L = a (1-q)^g softplus(-z), dL/dz = -a (1-q)^g (g q softplus(-z) + 1 - q).

    Args:
        logits: ``(M, H, W)``.
        prob: Their sigmoid.
        targets: ``(M, H, W)`` bool.
        valid: ``(M, H, W)`` bool, or None.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.

    Returns:
        Values ``(M,)`` and gradients ``(M, H, W)``.
    """
    missed = torch.where(targets, 1 - prob, prob)
    cross_entropy = F.softplus(torch.where(targets, -logits, logits))
    balance = torch.where(targets, logits.new_full((), alpha), logits.new_full((), 1 - alpha))
    weight = balance * missed**gamma
    if valid is not None:
        weight = weight * valid
    if valid is None:
        weight = weight / logits.shape[-2:].numel()
    else:
        weight = weight / valid.sum((1, 2), keepdim=True).clamp(min=1)
    values = (weight * cross_entropy).sum((1, 2))
    slope = weight * (gamma * (1 - missed) * cross_entropy + missed)
    return values, torch.where(targets, -slope, slope)


def dice_value_and_grad(
    logits: Tensor, prob: Tensor, targets: Tensor, valid: Tensor | None = None, smooth: float = 1.0
) -> tuple[Tensor, Tensor]:
    """:func:`dice_loss` and its derivative in closed form; shapes as in :func:`focal_value_and_grad`.

    With N = 2 sum(p t) + s and D = sum(p) + sum(t) + s: L = 1 - N/D, dL/dp = N/D^2 - 2t/D.
    """
    counted = prob if valid is None else prob * valid
    hits = targets if valid is None else targets & valid
    numerator = 2 * torch.where(hits, counted, 0).flatten(1).sum(1) + smooth
    denominator = counted.flatten(1).sum(1) + hits.flatten(1).sum(1) + smooth
    background = (numerator / denominator**2)[:, None, None]
    foreground = background - (2 / denominator)[:, None, None]
    grad = counted * (1 - prob) * torch.where(hits, foreground, background)
    return 1 - numerator / denominator, grad


def upsampled_mask_losses(
    logits: Tensor,
    targets: Tensor,
    index: Tensor,
    formulas: Sequence[ValueAndGrad],
    valid: Tensor | None = None,
) -> Tensor:
    """Per-mask losses at the targets' resolution, exact, in memory of the predictions' resolution.

    Equals bilinear upsampling (align_corners=False) followed by the plain formulas, in value and gradient.
    Upsampling is linear, so its adjoint brings each chunk's gradient back to the prediction's resolution in
    the forward pass already; full-resolution tensors live for one chunk of masks only. Runs in float32
    under any autocast; not differentiable twice.

    Args:
        logits: ``(M, h, w)`` matched mask logits, of any number of layers and images.
        targets: ``(S, H, W)`` bool masks.
        index: ``(M,)`` target of each prediction.
        formulas: Losses, each giving value and gradient.
        valid: ``(S, H, W)`` bool, pixels that count for each target; None counts all.

    Returns:
        ``(len(formulas), M)`` float32 (float64 for float64 logits).
    """
    with torch.autocast(logits.device.type, enabled=False):
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        return _UpsampledMaskLosses.apply(logits, targets, index, tuple(formulas), valid)


class _UpsampledMaskLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        targets: Tensor,
        index: Tensor,
        formulas: Sequence[ValueAndGrad],
        valid: Tensor | None,
    ) -> Tensor:
        rows = _linear_resize_matrix(logits.shape[-2], targets.shape[-2], logits)
        columns = _linear_resize_matrix(logits.shape[-1], targets.shape[-1], logits)
        values = logits.new_zeros(len(formulas), len(logits))
        grads = logits.new_zeros(len(formulas), *logits.shape) if ctx.needs_input_grad[0] else None
        budget = CHUNK_PIXELS.get(logits.device.type, CHUNK_PIXELS['cuda'])
        step = max(1, budget // max(1, targets.shape[-2:].numel()))
        for chunk in torch.arange(len(logits), device=logits.device).split(step):
            upsampled = rows @ (logits[chunk] @ columns.T)
            prob, picked = upsampled.sigmoid(), index[chunk]
            chosen = targets[picked], None if valid is None else valid[picked]
            for i, formula in enumerate(formulas):
                values[i, chunk], grad = formula(upsampled, prob, *chosen)
                if grads is not None:
                    grads[i, chunk] = (rows.T @ grad) @ columns
        ctx.grads = grads
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_values: Tensor) -> tuple[Tensor | None, ...]:
        grad = torch.einsum('fm,fmhw->mhw', grad_values, ctx.grads)
        return grad, None, None, None, None


def _linear_resize_matrix(source: int, target: int, like: Tensor) -> Tensor:
    """``(target, source)`` weights of 1-D linear resizing, as ``F.interpolate`` has them."""
    unit = torch.eye(source, dtype=like.dtype, device=like.device)[None]
    return F.interpolate(unit, size=target, mode='linear', align_corners=False)[0].T.contiguous()


def _num_pixels(logits: Tensor, valid: Tensor | None) -> Tensor | int:
    """How many pixels each row of ``(M, P)`` logits is averaged over, at least one."""
    return logits.shape[-1] if valid is None else valid.sum(-1).clamp(min=1)
