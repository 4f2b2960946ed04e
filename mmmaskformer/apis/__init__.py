"""Whole tasks in one call: training, testing, and looking at data."""

from .browse import browse_dataset
from .checks import check_data
from .run import evaluate_model, train_model

__all__ = ['browse_dataset', 'check_data', 'evaluate_model', 'train_model']
