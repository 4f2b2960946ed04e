"""Backbones that neither mmpretrain nor mmseg has in this form."""

from .dual_path_transformer import DualPathFeatures, DualPathTransformer
from .timm_features import TIMMFeatures

__all__ = ['DualPathFeatures', 'DualPathTransformer', 'TIMMFeatures']
