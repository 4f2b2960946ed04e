"""Focal and dice loss of masks, one after the other: formula, pairwise form, derivative, registered class.

The plain formula of matched pairs is the reference. The pairwise form is the matching cost: the same formula
of every prediction against every target. The derivative in closed form is what training runs, on masks
upsampled a few at a time (`functional.upsampled_losses`). Probabilities come from logits through stable
functions, so logits of any size give finite values. Paper, sections 3.3 and 4.1; every term has the official
implementation's scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...functional.upsampled_losses import MaskPixels
from ...registry import MODELS


class MaskLoss(nn.Module, ABC):
    """A loss of matched masks, one value per mask.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    @abstractmethod
    def value_and_grad(self, pixels: MaskPixels) -> tuple[Tensor, Tensor]:
        """Unweighted values ``(M,)`` and their derivative by the logits ``(M, H, W)``, in closed form."""


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


def focal_value_and_grad(
    pixels: MaskPixels, alpha: float = 0.25, gamma: float = 2.0
) -> tuple[Tensor, Tensor]:
    """`mask_losses.focal_loss` and its derivative in closed form.

    With z the logit of the wrong side and m = sigmoid(z): L = a m^g softplus(z),
    dL/dz = a m^g (g (1 - m) softplus(z) + m), and dL/dlogit = -side dL/dz. The balance is
    a = 1/2 + (alpha - 1/2) side.

    Args:
        pixels: M masks.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.

    Returns:
        Values ``(M,)`` and gradients ``(M, H, W)``.
    """
    factor = pixels.missed**gamma
    loss = F.softplus(pixels.against).mul_(factor)
    if pixels.valid is not None:
        loss.mul_(pixels.valid)
    total, signed = _sums(loss, pixels.side)
    values = (total / 2 + (alpha - 0.5) * signed) / pixels.counted
    pull = loss.mul_(gamma)
    slope = factor.sub_(pull).mul_(pixels.missed).add_(pull)
    per_pixel = (1 / pixels.counted)[:, None, None]
    balance = torch.mul(pixels.side, -0.5 * per_pixel, out=pull).add_((0.5 - alpha) * per_pixel)
    return values, slope.mul_(balance)


@MODELS.register_module()
class MaskFocalLoss(MaskLoss):
    """Focal loss, mean over pixels (paper, section 4.1: lambda_focal = 20).

    Args:
        loss_weight: Factor of the loss.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.
    """

    def __init__(self, loss_weight: float = 20.0, alpha: float = 0.25, gamma: float = 2.0):
        super().__init__(loss_weight)
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, logits: Tensor, targets: Tensor, valid: Tensor | None = None) -> Tensor:
        """Weighted values ``(M,)`` of ``(M, P)`` logits by autograd: the reference of the upsampling form."""
        return self.loss_weight * focal_loss(logits, targets, valid, self.alpha, self.gamma)

    def value_and_grad(self, pixels: MaskPixels) -> tuple[Tensor, Tensor]:
        """See :class:`MaskLoss`."""
        return focal_value_and_grad(pixels, self.alpha, self.gamma)


def dice_loss(logits: Tensor, targets: Tensor, valid: Tensor | None = None, smooth: float = 1.0) -> Tensor:
    """Dice loss of matched pairs, ``(M,)``; shapes as in :func:`focal_loss`."""
    prob, targets = logits.sigmoid(), targets.to(logits)
    if valid is not None:
        prob, targets = prob * valid, targets * valid
    return 1 - (2 * (prob * targets).sum(1) + smooth) / (prob.sum(1) + targets.sum(1) + smooth)


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


def dice_value_and_grad(pixels: MaskPixels, smooth: float = 1.0) -> tuple[Tensor, Tensor]:
    """`mask_losses.dice_loss` and its derivative in closed form; shapes as in :func:`focal_value_and_grad`.

    With N = 2 sum(p t) + s and D = sum(p) + sum(t) + s: L = 1 - N/D, dL/dp = N/D^2 - 2t/D.
    """
    total, signed = _sums(pixels.missed, pixels.side)
    missed_inside, outside = (total + signed) / 2, (total - signed) / 2
    overlap = pixels.areas - missed_inside
    numerator = 2 * overlap + smooth
    denominator = overlap + outside + pixels.areas + smooth
    half = (1 / denominator)[:, None, None]
    middle = (numerator / denominator**2)[:, None, None] - half
    grad = torch.mul(pixels.side, -half).add_(middle)
    variance = torch.addcmul(pixels.missed, pixels.missed, pixels.missed, value=-1)
    return 1 - numerator / denominator, grad.mul_(variance)


@MODELS.register_module()
class MaskDiceLoss(MaskLoss):
    """Dice loss (paper, section 4.1: lambda_dice = 1).

    Args:
        loss_weight: Factor of the loss.
        smooth: Added to numerator and denominator.
    """

    def __init__(self, loss_weight: float = 1.0, smooth: float = 1.0):
        super().__init__(loss_weight)
        self.smooth = smooth

    def forward(self, logits: Tensor, targets: Tensor, valid: Tensor | None = None) -> Tensor:
        """Weighted values ``(M,)`` of ``(M, P)`` logits by autograd: the reference of the upsampling form."""
        return self.loss_weight * dice_loss(logits, targets, valid, self.smooth)

    def value_and_grad(self, pixels: MaskPixels) -> tuple[Tensor, Tensor]:
        """See :class:`MaskLoss`."""
        return dice_value_and_grad(pixels, self.smooth)


def _num_pixels(logits: Tensor, valid: Tensor | None) -> Tensor | int:
    """How many pixels each row of ``(M, P)`` logits is averaged over, at least one."""
    return logits.shape[-1] if valid is None else valid.sum(-1).clamp(min=1)


def _sums(values: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over the pixels of each mask, plain and signed by the side."""
    rows, sides = values.flatten(1), side.flatten(1)
    return rows.sum(1), torch.linalg.vecdot(rows, sides)
