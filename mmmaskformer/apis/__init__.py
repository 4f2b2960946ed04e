"""Whole tasks in one call: training, testing, predicting, and looking at data."""

from ..inference import MaskFormerInferencer, SegmentationResult
from .checks import check_data
from .evaluate import evaluate_model
from .inspect_data import browse_dataset, inspect_dataset
from .train import train_model

__all__ = [
    'MaskFormerInferencer',
    'SegmentationResult',
    'browse_dataset',
    'check_data',
    'evaluate_model',
    'inspect_dataset',
    'train_model',
]
