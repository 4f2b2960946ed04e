"""Images in, results out: sources, preparation, prediction, results and the files written of them."""

from .inferencer import MaskFormerInferencer
from .segmentation_result import SegmentationResult

__all__ = ['MaskFormerInferencer', 'SegmentationResult']
