"""Transforms of the data pipelines."""

from .image_loading import InferencerLoader, LoadImageFromFile, LoadImageFromNDArray, read_image
from .loading import LoadAnnotations
from .mosaic import SegmentMosaic
from .packing import PackSegmentInputs, PadSegments
from .segments import LoadInstanceAnnotations, LoadPanopticAnnotations

__all__ = [
    'InferencerLoader',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadImageFromNDArray',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'PackSegmentInputs',
    'PadSegments',
    'SegmentMosaic',
    'read_image',
]
