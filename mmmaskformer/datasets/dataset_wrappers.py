"""The data sets inside wrappers, how often each sample comes, and a wrapper that skips damaged samples."""

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


@contextmanager
def unreadable_as_empty() -> Iterator[None]:
    """While it lasts, a label map that cannot be read counts as one without classes.

    Nor are outlines refused that cannot be drawn, but for their image when it is loaded.
    """
    global _tolerant
    before, _tolerant = _tolerant, True
    try:
        yield
    finally:
        _tolerant = before


def bad_samples_pass() -> bool:
    """Whether samples that cannot be loaded are left to `SkipBadSamples`."""
    return _tolerant


@DATASETS.register_module()
class SkipBadSamples:
    """Any data set for training, whose samples that cannot be loaded are left out, named and counted.

    The next good sample in the order of the data set stands in for a bad one. Besides what its transforms
    refuse, a sample is bad if its label map has a label that is neither a class nor ignored. Each bad sample
    is logged once by each process that loads data, with their number so far.

    Args:
        dataset: The data set, or its config; ``ADE20KDataset``, one of ours, or a wrapper of MMEngine's.
        limit: If more samples are bad than this, it is an error after all: then a setting is wrong, or the
            disk.
        lazy_init: Leave reading of the list of files for later.

    Raises:
        ValueError: The data set is for testing, where every sample counts; or more than ``limit`` samples
            are bad.
    """

    def __init__(self, dataset: Any, limit: int = 100, lazy_init: bool = False) -> None:
        with unreadable_as_empty():  # a ClassBalancedDataset inside asks for the classes of all samples
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
        """Of the data set inside."""
        return self.dataset.metainfo

    @property
    def num_skipped(self) -> int:
        """How many samples turned out bad so far, in all processes that load this data set."""
        return 0 if self._bad is None else int(self._bad.sum())

    def full_init(self) -> None:
        """Read the list of files."""
        if self._bad is None:
            with unreadable_as_empty():
                self.dataset.full_init()
            # one memory for the processes of a data loader; each writes nothing but True
            self._bad = torch.zeros(len(self.dataset), dtype=torch.bool).share_memory_()

    def get_data_info(self, idx: int) -> dict:
        """What the data set knows of a sample without loading it."""
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
        raise ValueError(f'SkipBadSamples: all {len(self)} samples are bad: fix the files, or the setting.')

    def _check_labels(self, sample: Any) -> None:
        """Refuse labels that the model would refuse, but could not skip."""
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
                'Fix the files or the setting that is wrong, or raise limit.'
            ) from error
