"""Decode heads."""

from .detr_head import DETRHead
from .dual_path_head import DualPathHead
from .eomt_head import EoMTHead
from .mask2former_head import Mask2FormerHead
from .maskformer_head import MaskFormerHead
from .max_deeplab_head import MaXDeepLabHead
from .per_pixel_head import PerPixelBaselineHead, PerPixelBaselinePlusHead, PerPixelHead

__all__ = [
    'DETRHead',
    'DualPathHead',
    'EoMTHead',
    'MaXDeepLabHead',
    'Mask2FormerHead',
    'MaskFormerHead',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PerPixelHead',
]
