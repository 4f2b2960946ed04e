"""Registered models and their parts."""

from .assigners import (
    ClassificationCost,
    FixedAssigner,
    HomeQueryCost,
    HungarianAssigner,
    MaskBoxGIoUCost,
    MaskBoxL1Cost,
    MaskCrossEntropyCost,
    MaskDiceCost,
    MaskFocalCost,
    PointAssigner,
    PQStyleCost,
)
from .auxiliary_classifier import AuxiliaryPixelClassifier
from .backbones import TIMMFeatures
from .criterion import MaskFormerCriterion
from .criterion_mask2former import Mask2FormerCriterion
from .criterion_max_deeplab import MaXDeepLabCriterion
from .data_preprocessor import MaskFormerDataPreProcessor
from .decode_heads import (
    Mask2FormerHead,
    MaskFormerHead,
    MaXDeepLabHead,
    PerPixelBaselineHead,
    PerPixelBaselinePlusHead,
)
from .losses import (
    AuxiliarySemanticLoss,
    InstanceDiscriminationLoss,
    MaskCrossEntropyLoss,
    MaskDiceLoss,
    MaskFocalLoss,
    MaskIDLoss,
    NoObjectCrossEntropyLoss,
    PQStyleLoss,
)
from .masked_attention_decoder import Mask2FormerTransformerDecoder
from .pixel_decoders import (
    FPNPixelDecoder,
    MSDeformAttnPixelDecoder,
    MultiScaleFeatures,
    PixelFeatures,
    TransformerEncoderPixelDecoder,
)
from .segmentor import MaskFormer
from .test_time_augmentation import MaskFormerTTAModel
from .transformer_decoder import MaskFormerTransformerDecoder

__all__ = [
    'AuxiliaryPixelClassifier',
    'AuxiliarySemanticLoss',
    'ClassificationCost',
    'FPNPixelDecoder',
    'FixedAssigner',
    'HomeQueryCost',
    'HungarianAssigner',
    'InstanceDiscriminationLoss',
    'MSDeformAttnPixelDecoder',
    'MaXDeepLabCriterion',
    'MaXDeepLabHead',
    'Mask2FormerCriterion',
    'Mask2FormerHead',
    'Mask2FormerTransformerDecoder',
    'MaskBoxGIoUCost',
    'MaskBoxL1Cost',
    'MaskCrossEntropyCost',
    'MaskCrossEntropyLoss',
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
    'MultiScaleFeatures',
    'NoObjectCrossEntropyLoss',
    'PQStyleCost',
    'PQStyleLoss',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PixelFeatures',
    'PointAssigner',
    'TIMMFeatures',
    'TransformerEncoderPixelDecoder',
]
