"""The data sets inside wrappers, and how often each of their samples comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import RepeatDataset
from numpy.typing import NDArray
from torch.utils.data import Subset

Times = NDArray[np.int64]


class Leaf(NamedTuple):
    """A data set without others inside.

    Attributes:
        dataset: The data set.
        times: ``(N,)`` how often each of its samples comes when the outermost data set is gone through once.
    """

    dataset: Any
    times: Times


def inner_datasets(dataset: Any) -> list[Any]:
    """The data sets directly inside a wrapper of MMEngine, MMSegmentation, PyTorch or ours."""
    several = getattr(dataset, 'datasets', None)
    if several is not None:
        return list(several)
    single = getattr(dataset, 'dataset', None)
    return [] if single is None else [single]


def flatten_dataset(dataset: Any) -> Iterator[Any]:
    """The data sets inside any number of wrappers, without reading lists of files, which `leaves` does."""
    inner = inner_datasets(dataset)
    if not inner:
        yield dataset
    for child in inner:
        yield from flatten_dataset(child)


def leaves(dataset: Any) -> list[Leaf]:
    """The data sets inside wrappers such as ``ConcatDataset``, ``RepeatDataset``, ``SkipBadSamples``."""
    return _expand(dataset, np.ones(_length(dataset), dtype=np.int64))


def _expand(dataset: Any, times: Times) -> list[Leaf]:
    children = inner_datasets(dataset)
    if not children:
        return [Leaf(dataset, times)]
    if getattr(dataset, 'datasets', None) is not None:
        parts = np.split(times, np.cumsum([_length(child) for child in children])[:-1])
        return [leaf for child, part in zip(children, parts) for leaf in _expand(child, part)]
    (inner,) = children
    length = _length(inner)
    places = _places(dataset)
    if places is not None:
        times = np.bincount(places, weights=times, minlength=length).astype(np.int64)
    elif isinstance(dataset, RepeatDataset):
        times = times.reshape(-1, length).sum(0)
    return _expand(inner, times)


def _places(dataset: Any) -> Any:
    """Which inner sample each outer one is, for wrappers that have a list of them."""
    if isinstance(dataset, Subset):
        return dataset.indices
    return vars(dataset).get('repeat_indices')


def _length(dataset: Any) -> int:
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    return len(dataset)
