"""Whole tasks in one call: training, testing, predicting, and looking at data."""

from ..inference import MaskFormerInferencer, SegmentationResult
from .browse import browse_dataset
from .checks import check_data
from .inspect import inspect_dataset
from .run import evaluate_model, train_model

__all__ = [
    'MaskFormerInferencer',
    'SegmentationResult',
    'browse_dataset',
    'check_data',
    'evaluate_model',
    'inspect_dataset',
    'train_model',
]
