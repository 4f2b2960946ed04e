"""The result of a prediction for one image, which `mmmaskformer.runtime.results` defines."""

from ..runtime.results import SegmentationResult

__all__ = ['SegmentationResult']
