"""Batches whose ground truth is pinned too, so that its copies to a GPU do not wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mmengine.structures import BaseDataElement
from torch import Tensor


class PinnableBatch(dict):
    """A batch that PyTorch's data loader pins as a whole; by itself it overlooks data samples."""

    def pin_memory(self) -> dict:
        """A plain dict with every tensor in pinned memory."""
        return {name: _pinned(value) for name, value in self.items()}


def pinnable(collate: Callable[[list], Any]) -> Callable[[list], Any]:
    """A ``collate_fn`` whose batches are pinned with their data samples.

    Args:
        collate: Makes a batch of a list of samples. What is not a dict stays as it is.

    Example:
        >>> from mmengine.dataset import pseudo_collate
        >>> type(pinnable(pseudo_collate)([dict(inputs=1), dict(inputs=2)])).__name__
        'PinnableBatch'
    """
    return partial(_collate, collate)


def _collate(collate: Callable[[list], Any], samples: list) -> Any:
    batch = collate(samples)
    return PinnableBatch(batch) if type(batch) is dict else batch


def _pinned(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.pin_memory()
    if isinstance(value, BaseDataElement):
        copy = value.new()
        for name, field in value.items():
            copy.set_data({name: _pinned(field)})
        return copy
    if isinstance(value, Mapping):
        return {name: _pinned(field) for name, field in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_pinned, value))
    return value
