"""Registered losses; the formulas are in functional/."""

from .classification_loss import NoObjectCrossEntropyLoss
from .mask_losses import MaskDiceLoss, MaskFocalLoss, MaskLoss
from .max_deeplab_losses import (
    AuxiliarySemanticLoss,
    InstanceDiscriminationLoss,
    MaskIDLoss,
    PQStyleLoss,
)

__all__ = [
    'AuxiliarySemanticLoss',
    'InstanceDiscriminationLoss',
    'MaskDiceLoss',
    'MaskFocalLoss',
    'MaskIDLoss',
    'MaskLoss',
    'NoObjectCrossEntropyLoss',
    'PQStyleLoss',
]
