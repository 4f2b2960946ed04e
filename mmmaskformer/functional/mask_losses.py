"""Focal and dice: the pairwise form (matching) and the matched form; `upsampled_losses` has the fast form.

All compute one formula. Probabilities come from logits through stable functions, so logits of any size give
finite values. Paper, sections 3.3 and 4.1; every term has the official implementation's scale.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pairwise_focal(
    logits: Tensor, targets: Tensor, valid: Tensor | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss of every prediction against every target, as one matrix product, without gradients.

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
    against = F.softplus(logits)  # -log(1 - p); -log(p) is less by the logit
    background = (prob**gamma).mul_(against).mul_(1 - alpha)
    foreground = prob.neg_().add_(1).pow_(gamma).mul_(against.sub_(logits)).mul_(alpha)
    if valid is not None:
        background.mul_(valid)
        foreground.mul_(valid)
    total = foreground.sub_(background) @ targets.T + background.sum(1, keepdim=True)
    return total / _num_pixels(logits, valid)


def pairwise_dice(
    logits: Tensor, targets: Tensor, valid: Tensor | None = None, smooth: float = 1.0
) -> Tensor:
    """Dice loss of every prediction against every target; shapes as in :func:`pairwise_focal`."""
    prob = logits.sigmoid()
    if valid is not None:
        prob, targets = prob * valid, targets * valid
    overlap = 2 * (prob @ targets.T)
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


def _num_pixels(logits: Tensor, valid: Tensor | None) -> Tensor | int:
    """How many pixels each row of ``(M, P)`` logits is averaged over, at least one."""
    return logits.shape[-1] if valid is None else valid.sum(-1).clamp(min=1)
