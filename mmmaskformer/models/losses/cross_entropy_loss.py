"""Binary cross entropy of masks (Mask2Former): pairwise, matched, with its derivative, and as a loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...functional.upsampled_losses import MaskPixels
from ...registry import MODELS
from .mask_losses import MaskLoss


@MODELS.register_module()
class MaskCrossEntropyLoss(MaskLoss):
    """Binary cross entropy, mean over pixels or points (Mask2Former, section 4.1: lambda_ce = 5).

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 5.0):
        super().__init__(loss_weight)

    def forward(self, logits: Tensor, targets: Tensor, valid: Tensor | None = None) -> Tensor:
        """Weighted values ``(M,)`` of ``(M, P)`` logits."""
        return self.loss_weight * mask_cross_entropy(logits, targets, valid)

    def value_and_grad(self, pixels: MaskPixels) -> tuple[Tensor, Tensor]:
        """See :class:`MaskLoss`."""
        return cross_entropy_value_and_grad(pixels)


def pairwise_cross_entropy(logits: Tensor, targets: Tensor, valid: Tensor | None = None) -> Tensor:
    """Binary cross entropy of every prediction against every target, as one matrix product.

    Args:
        logits: ``(N, P)`` mask logits over P pixels or points.
        targets: ``(S, P)`` masks, values in [0, 1], of the logits' dtype.
        valid: ``(P,)`` weights of the pixels in [0, 1]; None counts them all.

    Returns:
        ``(N, S)``, mean over the counted pixels.
    """
    background = F.softplus(logits)
    if valid is not None:
        background, targets = background * valid, targets * valid
    total = background.sum(1, keepdim=True) - logits @ targets.T
    return total / (logits.shape[1] if valid is None else valid.sum().clamp(min=1))


def mask_cross_entropy(logits: Tensor, targets: Tensor, valid: Tensor | None = None) -> Tensor:
    """Binary cross entropy of matched pairs.

    Args:
        logits: ``(M, P)`` mask logits.
        targets: ``(M, P)`` masks, values in [0, 1].
        valid: ``(M, P)`` weights of the pixels in [0, 1]; None counts them all.

    Returns:
        ``(M,)``, mean over the counted pixels of each mask.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits), reduction='none')
    if valid is None:
        return loss.mean(1)
    return (loss * valid).sum(1) / valid.sum(1).clamp(min=1)


def cross_entropy_value_and_grad(pixels: MaskPixels) -> tuple[Tensor, Tensor]:
    """`mask_cross_entropy` and its derivative in closed form.

    With z the logit of the wrong side: L = softplus(z), dL/dz = sigmoid(z).

    Args:
        pixels: M masks.

    Returns:
        Values ``(M,)`` and gradients ``(M, H, W)``.
    """
    loss = F.softplus(pixels.against)
    if pixels.valid is not None:
        loss.mul_(pixels.valid)
    grad = torch.mul(pixels.side, pixels.missed).mul_(-1 / pixels.counted[:, None, None])
    return loss.flatten(1).sum(1) / pixels.counted, grad
