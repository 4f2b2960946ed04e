"""Backbones that neither mmpretrain nor mmseg has in this form."""

from .dual_path_transformer import DualPathFeatures, DualPathTransformer
from .query_vision_transformer import QueryVisionTransformer, ViTTokens
from .timm_features import TIMMFeatures

__all__ = ['DualPathFeatures', 'DualPathTransformer', 'QueryVisionTransformer', 'TIMMFeatures', 'ViTTokens']
