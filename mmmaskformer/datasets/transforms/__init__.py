"""Transforms of the data pipelines."""

from .image_loading import InferencerLoader, LoadImageFromFile, LoadImageFromNDArray, read_image
from .label_map_loading import LoadAnnotations
from .memory_loading import KeepInMemory
from .mosaic import SegmentMosaic
from .packing import PackSegmentInputs, PadSegments
from .segment_loading import LoadInstanceAnnotations, LoadPanopticAnnotations
from .window_loading import LoadRandomWindow

__all__ = [
    'InferencerLoader',
    'KeepInMemory',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadImageFromNDArray',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'LoadRandomWindow',
    'PackSegmentInputs',
    'PadSegments',
    'SegmentMosaic',
    'read_image',
]
