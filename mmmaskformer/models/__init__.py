"""Registered models and their parts."""

from .assigners import (
    BoxAssigner,
    BoxGIoUCost,
    BoxL1Cost,
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
from .auxiliary_classifier import AuxiliaryPixelClassifier, MaskPooledClassifier
from .backbones import (
    DualPathFeatures,
    DualPathTransformer,
    QueryVisionTransformer,
    TIMMFeatures,
    ViTTokens,
)
from .criterion import MaskFormerCriterion
from .criterion_detr import DETRCriterion
from .criterion_dual_path import DualPathCriterion
from .criterion_mask2former import Mask2FormerCriterion
from .criterion_max_deeplab import MaXDeepLabCriterion
from .data_preprocessor import MaskFormerDataPreProcessor
from .decode_heads import (
    DETRHead,
    DualPathHead,
    EoMTHead,
    Mask2FormerHead,
    MaskFormerHead,
    MaXDeepLabHead,
    PerPixelBaselineHead,
    PerPixelBaselinePlusHead,
)
from .layers import DETREncoder, DETRMaskHead
from .losses import (
    AuxiliarySemanticLoss,
    BoxGIoULoss,
    BoxL1Loss,
    InstanceDiscriminationLoss,
    MaskCrossEntropyLoss,
    MaskDiceLoss,
    MaskFocalLoss,
    MaskIDLoss,
    NoObjectCrossEntropyLoss,
    PQStyleLoss,
    PQStyleTermsLoss,
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
    'BoxAssigner',
    'BoxGIoUCost',
    'BoxGIoULoss',
    'BoxL1Cost',
    'BoxL1Loss',
    'ClassificationCost',
    'DETRCriterion',
    'DETREncoder',
    'DETRHead',
    'DETRMaskHead',
    'DualPathCriterion',
    'DualPathFeatures',
    'DualPathHead',
    'DualPathTransformer',
    'EoMTHead',
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
    'MaskPooledClassifier',
    'MultiScaleFeatures',
    'NoObjectCrossEntropyLoss',
    'PQStyleCost',
    'PQStyleLoss',
    'PQStyleTermsLoss',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PixelFeatures',
    'PointAssigner',
    'QueryVisionTransformer',
    'TIMMFeatures',
    'TransformerEncoderPixelDecoder',
    'ViTTokens',
]
