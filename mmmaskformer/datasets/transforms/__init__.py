"""Transforms of the data pipelines."""

from .loading import LoadAnnotations, LoadImageFromFile
from .packing import PackSegmentInputs, PadSegments
from .segments import LoadInstanceAnnotations, LoadPanopticAnnotations

__all__ = [
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'PackSegmentInputs',
    'PadSegments',
]
