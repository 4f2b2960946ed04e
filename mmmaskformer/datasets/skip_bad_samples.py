"""Train on although some files are damaged, and say which and how many."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.registry import DATASETS as ALL_DATASETS

from mmmaskformer.functional.targets import check_labels, ignored_label
from mmmaskformer.registry import DATASETS

from .contents import unreadable_as_empty
from .leaves import flatten_dataset


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
