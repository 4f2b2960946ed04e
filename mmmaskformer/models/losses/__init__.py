"""Registered losses; the formulas are in functional/."""

from .class_weights import ClassWeight, ClassWeights, find_class_weights
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
    'ClassWeight',
    'ClassWeights',
    'InstanceDiscriminationLoss',
    'MaskDiceLoss',
    'MaskFocalLoss',
    'MaskIDLoss',
    'MaskLoss',
    'NoObjectCrossEntropyLoss',
    'PQStyleLoss',
    'find_class_weights',
]
