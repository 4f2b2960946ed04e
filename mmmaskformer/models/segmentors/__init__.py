"""Segmentors."""

from .maskformer import MaskFormer, MaskFormerTTAModel

__all__ = ['MaskFormer', 'MaskFormerTTAModel']
