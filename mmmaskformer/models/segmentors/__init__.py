"""Segmentors."""

from .maskformer import MaskFormer
from .tta import MaskFormerTTAModel

__all__ = ['MaskFormer', 'MaskFormerTTAModel']
