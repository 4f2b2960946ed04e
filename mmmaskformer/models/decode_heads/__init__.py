"""Decode heads."""

from .maskformer_head import MaskFormerHead
from .max_deeplab_head import MaXDeepLabHead
from .per_pixel_head import PerPixelBaselineHead, PerPixelBaselinePlusHead, PerPixelHead

__all__ = [
    'MaXDeepLabHead',
    'MaskFormerHead',
    'PerPixelBaselineHead',
    'PerPixelBaselinePlusHead',
    'PerPixelHead',
]
