"""Prediction with exported models: NumPy and onnxruntime alone, neither PyTorch nor OpenMMLab.

The folder is also a distribution of its own, ``mmmaskformer-runtime``::

    from mmmaskformer.runtime import Segmenter

    result = Segmenter('exported')('street.jpg')
"""

from .results import SegmentationResult
from .segmenter import Segmenter
from .segments import Classes, Segment, SegmentList

__all__ = ['Classes', 'Segment', 'SegmentList', 'SegmentationResult', 'Segmenter']
