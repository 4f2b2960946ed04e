"""Hooks of the runner, and mixed precision."""

from .bfloat16_optim_wrapper import Bfloat16OptimWrapper
from .check_dataset_hook import CheckDatasetHook

__all__ = ['Bfloat16OptimWrapper', 'CheckDatasetHook']
