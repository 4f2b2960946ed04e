"""Data sets inside wrappers, with repetitions of their samples; a wrapper that skips damaged samples."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import RepeatDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS as ALL_DATASETS
from numpy.typing import NDArray
from torch.utils.data import Subset

from mmmaskformer.functional.targets import check_labels, ignored_label
from mmmaskformer.registry import DATASETS

Times = NDArray[np.int64]
_tolerant = False


class InnerDataset(NamedTuple):
    """A data set inside wrappers that is not a wrapper itself.

    Attributes:
        dataset: The data set.
        times: ``(N,)`` how often each of its samples occurs in one pass over the outermost data set.
    """

    dataset: Any
    times: Times


def inner_datasets(dataset: Any) -> list[Any]:
    """The data sets directly inside a wrapper of MMEngine, MMSegmentation, PyTorch or ours."""
    children = getattr(dataset, 'datasets', None)
    if children is not None:
        return list(children)
    child = getattr(dataset, 'dataset', None)
    return [] if child is None else [child]


def flatten_dataset(dataset: Any) -> Iterator[Any]:
    """The data sets inside any number of wrappers; reads no lists of files, as `unwrapped_datasets` does."""
    inner = inner_datasets(dataset)
    if not inner:
        yield dataset
    for child in inner:
        yield from flatten_dataset(child)


def unwrapped_datasets(dataset: Any) -> list[InnerDataset]:
    """The data sets inside wrappers such as ``ConcatDataset``, with the repetitions of their samples."""
    return _expand(dataset, np.ones(_length(dataset), dtype=np.int64))


def _expand(dataset: Any, times: Times) -> list[InnerDataset]:
    children = inner_datasets(dataset)
    if not children:
        return [InnerDataset(dataset, times)]
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
    """Index of the inner sample of each outer one, for wrappers that hold such a list."""
    if isinstance(dataset, Subset):
        return dataset.indices
    return vars(dataset).get('repeat_indices')


def _length(dataset: Any) -> int:
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    return len(dataset)


@contextmanager
def unreadable_as_empty() -> Iterator[None]:
    """Within this context, a label map that cannot be read counts as one without classes.

    Outlines that cannot be drawn raise only when their image is loaded.
    """
    global _tolerant
    previous, _tolerant = _tolerant, True
    try:
        yield
    finally:
        _tolerant = previous


def bad_samples_pass() -> bool:
    """Whether samples that cannot be loaded are left to `SkipBadSamples`."""
    return _tolerant


@DATASETS.register_module()
class SkipBadSamples:
    """Wraps a training data set and skips samples that cannot be loaded; logs and counts them.

    A bad sample is replaced by the next good one in the order of the data set. A sample is bad if loading or
    a transform raises an error, or if its label map has a label that is neither a class nor ignored. Each bad
    sample is logged once, with their number so far.

    Args:
        dataset: The data set, or its config; ``ADE20KDataset``, one of ours, or a wrapper of MMEngine's.
        limit: More bad samples than this are an error: a setting is likely to be wrong, or the disk to fail.
        lazy_init: Read the list of files later.

    Raises:
        ValueError: The data set has ``test_mode=True``; or more than ``limit`` samples are bad.
    """

    def __init__(self, dataset: Any, limit: int = 100, lazy_init: bool = False) -> None:
        with unreadable_as_empty():  # a ClassBalancedDataset inside reads the classes of all samples
            self.dataset = ALL_DATASETS.build(dataset) if isinstance(dataset, Mapping) else dataset
        if getattr(self.dataset, 'test_mode', False):
            raise ValueError(
                f'SkipBadSamples: {type(self.dataset).__name__} has test_mode=True, but results on a part of '
                'the data are not results on all of it: use SkipBadSamples for training alone.'
            )
        self.limit = limit
        self._bad: torch.Tensor | None = None
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict:
        """Metainfo of the data set inside."""
        return self.dataset.metainfo

    @property
    def num_skipped(self) -> int:
        """Number of bad samples so far, in all processes that load this data set."""
        return 0 if self._bad is None else int(self._bad.sum())

    def full_init(self) -> None:
        """Read the list of files."""
        if self._bad is None:
            with unreadable_as_empty():
                self.dataset.full_init()
            # shared by the processes of a data loader; they only ever write True
            self._bad = torch.zeros(len(self.dataset), dtype=torch.bool).share_memory_()

    def get_data_info(self, idx: int) -> dict:
        """Information of a sample without loading it."""
        return self.dataset.get_data_info(idx)

    def get_cat_ids(self, idx: int) -> list[int]:
        """For MMEngine's `ClassBalancedDataset`; none for a label map that cannot be read."""
        with unreadable_as_empty():
            return self.dataset.get_cat_ids(idx)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        for place in (*range(idx, len(self)), *range(idx)):
            try:
                sample = self.dataset[place]
                self._check_labels(sample)
            except Exception as error:
                self._note(place, error)
            else:
                return sample
        raise ValueError(
            f'SkipBadSamples: all {len(self)} samples are bad: check data_prefix, the suffixes and the files.'
        )

    def _check_labels(self, sample: Any) -> None:
        """Raise for labels that the model would raise for, when it is too late to skip the sample."""
        classes = self.metainfo.get('classes')
        annotation = sample.get('data_samples') if isinstance(sample, Mapping) else None
        if classes is not None and annotation is not None and 'gt_sem_seg' in annotation:
            inner = next(flatten_dataset(self.dataset))
            ignored = ignored_label(len(classes), getattr(inner, 'ignore_index', 255))
            check_labels(annotation.gt_sem_seg.data, len(classes), ignored)

    def _note(self, place: int, error: Exception) -> None:
        assert self._bad is not None
        if self._bad[place]:
            return
        self._bad[place] = True
        path = self.dataset.get_data_info(place).get('img_path')
        count = f'{self.num_skipped} of {len(self)} samples so far'
        print_log(f'{path} is skipped ({error}); {count}', 'current', logging.WARNING)
        if self.num_skipped > self.limit:
            raise ValueError(
                f'SkipBadSamples: {count} are bad, more than limit={self.limit}; the last is {path}: {error} '
                'Fix the files or the settings, or raise limit.'
            ) from error
