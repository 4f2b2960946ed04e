"""Backbones that neither mmpretrain nor mmseg has in this form."""

from .timm_features import TIMMFeatures

__all__ = ['TIMMFeatures']
