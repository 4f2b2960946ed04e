"""Hooks of the runner."""

from .check_dataset_hook import CheckDatasetHook

__all__ = ['CheckDatasetHook']
