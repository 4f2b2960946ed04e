"""Losses, each in one file: formula, derivative and registered class."""

from .box_losses import BoxGIoULoss, BoxL1Loss
from .classification_loss import ClassWeight, ClassWeights, NoObjectCrossEntropyLoss, find_class_weights
from .cross_entropy_loss import MaskCrossEntropyLoss
from .mask_losses import MaskDiceLoss, MaskFocalLoss, MaskLoss
from .max_deeplab_losses import (
    AuxiliarySemanticLoss,
    InstanceDiscriminationLoss,
    MaskIDLoss,
    PQStyleLoss,
)
from .pq_style_terms import PQStyleTermsLoss

__all__ = [
    'AuxiliarySemanticLoss',
    'BoxGIoULoss',
    'BoxL1Loss',
    'ClassWeight',
    'ClassWeights',
    'InstanceDiscriminationLoss',
    'MaskCrossEntropyLoss',
    'MaskDiceLoss',
    'MaskFocalLoss',
    'MaskIDLoss',
    'MaskLoss',
    'NoObjectCrossEntropyLoss',
    'PQStyleLoss',
    'PQStyleTermsLoss',
    'find_class_weights',
]
