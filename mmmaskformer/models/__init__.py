"""Registered models and their parts."""

from .assigners import ClassificationCost, HungarianAssigner, MaskDiceCost, MaskFocalCost
from .criterion import MaskFormerCriterion
from .data_preprocessor import MaskFormerDataPreProcessor
from .decode_heads import MaskFormerHead, PerPixelBaselineHead, PerPixelBaselinePlusHead
from .losses import MaskDiceLoss, MaskFocalLoss, NoObjectCrossEntropyLoss
from .pixel_decoders import FPNPixelDecoder, PixelFeatures, TransformerEncoderPixelDecoder
from .segmentors import MaskFormer, MaskFormerTTAModel
from .transformer_decoder import MaskFormerTransformerDecoder

__all__ = [
    'ClassificationCost',
    'FPNPixelDecoder',
    'HungarianAssigner',
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
    'NoObjectCrossEntropyLoss',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PixelFeatures',
    'TransformerEncoderPixelDecoder',
]
