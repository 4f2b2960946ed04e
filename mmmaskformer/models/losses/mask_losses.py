"""Registered losses of matched masks."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ...functional.mask_losses import dice_loss, focal_loss
from ...functional.upsampled_losses import MaskPixels, dice_value_and_grad, focal_value_and_grad
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
