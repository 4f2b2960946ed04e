"""Whole tasks in one call: training, testing, predicting, and looking at data."""

from .browse import browse_dataset
from .checks import check_data
from .inferencer import MaskFormerInferencer
from .inspect import inspect_dataset
from .results import SegmentationResult
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
