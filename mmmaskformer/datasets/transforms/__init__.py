"""Transforms of the data pipelines."""

from mmseg.datasets.transforms import LoadImageFromNDArray
from mmseg.datasets.transforms.loading import InferencerLoader

from mmmaskformer.registry import TRANSFORMS

from .loading import LoadAnnotations, LoadImageFromFile
from .packing import PackSegmentInputs, PadSegments
from .segments import LoadInstanceAnnotations, LoadPanopticAnnotations

# MMSegmentation's inference puts these in the place of LoadImageFromFile, and so looks for them here.
for transform in (LoadImageFromNDArray, InferencerLoader):
    TRANSFORMS.register_module(module=transform)

__all__ = [
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'PackSegmentInputs',
    'PadSegments',
]
