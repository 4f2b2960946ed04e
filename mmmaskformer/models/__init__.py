"""Registered models and their parts."""

from .assigners import (
    ClassificationCost,
    FixedAssigner,
    HungarianAssigner,
    MaskBoxGIoUCost,
    MaskBoxL1Cost,
    MaskDiceCost,
    MaskFocalCost,
    PQStyleCost,
)
from .criterion import MaskFormerCriterion
from .criterion_max_deeplab import MaXDeepLabCriterion
from .data_preprocessor import MaskFormerDataPreProcessor
from .decode_heads import MaskFormerHead, MaXDeepLabHead, PerPixelBaselineHead, PerPixelBaselinePlusHead
from .losses import (
    AuxiliarySemanticLoss,
    InstanceDiscriminationLoss,
    MaskDiceLoss,
    MaskFocalLoss,
    MaskIDLoss,
    NoObjectCrossEntropyLoss,
    PQStyleLoss,
)
from .pixel_decoders import FPNPixelDecoder, PixelFeatures, TransformerEncoderPixelDecoder
from .segmentor import MaskFormer
from .test_time_augmentation import MaskFormerTTAModel
from .transformer_decoder import MaskFormerTransformerDecoder

__all__ = [
    'AuxiliarySemanticLoss',
    'ClassificationCost',
    'FPNPixelDecoder',
    'FixedAssigner',
    'HungarianAssigner',
    'InstanceDiscriminationLoss',
    'MaXDeepLabCriterion',
    'MaXDeepLabHead',
    'MaskBoxGIoUCost',
    'MaskBoxL1Cost',
    'MaskDiceCost',
    'MaskDiceLoss',
    'MaskFocalCost',
    'MaskFocalLoss',
    'MaskFormer',
    'MaskFormerCriterion',
    'MaskFormerDataPreProcessor',
    'MaskFormerHead',
    'MaskFormerTTAModel',
    'MaskFormerTransformerDecoder',
    'MaskIDLoss',
    'NoObjectCrossEntropyLoss',
    'PQStyleCost',
    'PQStyleLoss',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PixelFeatures',
    'TransformerEncoderPixelDecoder',
]
