"""Decode heads."""

from .maskformer_head import MaskFormerHead
from .per_pixel_head import PerPixelBaselineHead, PerPixelHead
from .per_pixel_plus_head import PerPixelBaselinePlusHead

__all__ = ['MaskFormerHead', 'PerPixelBaselineHead', 'PerPixelBaselinePlusHead', 'PerPixelHead']
