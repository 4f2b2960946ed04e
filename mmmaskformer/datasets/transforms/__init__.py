"""Transforms of the data pipelines."""

from .loading import LoadAnnotations, LoadImageFromFile

__all__ = ['LoadAnnotations', 'LoadImageFromFile']
