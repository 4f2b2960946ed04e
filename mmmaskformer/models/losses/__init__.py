"""Registered losses; the formulas are in functional/."""

from .classification_loss import NoObjectCrossEntropyLoss
from .mask_losses import MaskDiceLoss, MaskFocalLoss, MaskLoss

__all__ = ['MaskDiceLoss', 'MaskFocalLoss', 'MaskLoss', 'NoObjectCrossEntropyLoss']
