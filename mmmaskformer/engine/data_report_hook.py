"""A short survey of the data before training, and the classes behind NaN scores."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmmaskformer.datasets.class_contents import contents_of
from mmmaskformer.datasets.dataset_files import MISSING_IMAGES, MISSING_MAPS
from mmmaskformer.datasets.dataset_wrappers import SkipBadSamples, inner_datasets, unwrapped_datasets
from mmmaskformer.datasets.survey import Survey, survey
from mmmaskformer.datasets.survey_report import likely_mistakes, summary_lines
from mmmaskformer.datasets.transforms import LoadAnnotations
from mmmaskformer.registry import HOOKS
from mmmaskformer.utils import shown

from .runner_components import metrics_of, samples_of, segmentor_of

NUM_OPENED = 20
"""Label maps that are opened to list their values."""


@HOOKS.register_module()
class DataReportHook(Hook):
    """Logs three lines on the training data, and warns of likely mistakes in them.

    The main process looks at some samples of the training and the validation data for a few seconds, without
    their transforms; ``tools/inspect_dataset.py`` looks at all. The first validation, and a test, name the
    classes that do not occur in it, and the scores that are nan.

    Args:
        number: Samples to look at, evenly from first to last.
        seconds: Time limit for each of the two data sets. With 0 neither is looked at; the warnings after
            validation stay.

    Raises:
        FileNotFoundError: Images or their label maps are missing, and no `SkipBadSamples` skips them.
        ValueError: No pixel of the training or the validation data is labelled.
    """

    priority = 'VERY_HIGH'

    def __init__(self, number: int = 500, seconds: float = 3.0) -> None:
        self.number = number
        self.seconds = seconds
        self._present: torch.Tensor | None = None
        self._explained: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        """Look at the training and the validation data."""
        if not is_main_process() or self.seconds <= 0:
            return
        self._survey(runner, 'train')
        if runner.val_loop is not None and not _writes_only(runner.val_loop):
            self._survey(runner, 'val')

    def before_test(self, runner: Runner) -> None:
        """Check that the images exist."""
        dataset = runner.test_dataloader.dataset
        if is_main_process() and self.seconds > 0 and _can_be_surveyed(dataset):
            _check_files(survey(dataset, 1, self.seconds), 'test', (MISSING_IMAGES,))

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Note the classes of the batch's ground truth."""
        if 'val' not in self._explained:
            self._note(runner, data_batch)

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Note the classes of the batch's ground truth."""
        self._note(runner, data_batch)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Name the classes that did not occur, and the scores that are nan, after the first validation."""
        if 'val' not in self._explained:
            self._explained.add('val')
            self._explain(runner, metrics or {}, 'validation')

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Name the classes that did not occur, and the scores that are nan."""
        self._explain(runner, metrics or {}, 'test')

    def _survey(self, runner: Runner, phase: str) -> None:
        dataset = getattr(runner, f'{phase}_dataloader').dataset
        if not _can_be_surveyed(dataset):
            return
        report = survey(dataset, self.number, self.seconds)
        for reason in {
            reason for part in unwrapped_datasets(dataset) for reason in getattr(part.dataset, 'left_out', ())
        }:
            report.left_out.pop(reason, None)  # logged by the data set
        ignored = getattr(getattr(segmentor_of(runner.model), 'decode_head', None), 'ignore_index', None)
        num_queries = num_queries_of(segmentor_of(runner.model))
        if phase == 'train':
            for line in summary_lines(report, num_queries):
                print_log(f'{phase} data: {line}', 'current')
        for line in likely_mistakes(report, num_queries if phase == 'train' else None, ignored):
            print_log(f'{phase} data: {line}', 'current', logging.WARNING)
        if not _skips(dataset):
            _check_files(report, phase)
        if not report.segments.any() and report.num_images:
            _check_labels(dataset, phase)

    def _note(self, runner: Runner, batch: Any) -> None:
        classes = _dataset_meta(runner).get('classes')
        if classes is None:
            return
        if self._present is None:
            self._present = torch.zeros(
                len(classes) + 1, dtype=torch.int64
            )  # the last: there was ground truth
        for labels in map(_labels_of, samples_of(batch)):
            if labels is not None:
                self._present[-1] = 1
                self._present[labels[(labels >= 0) & (labels < len(classes))]] = 1

    def _explain(self, runner: Runner, metrics: Mapping[str, float], phase: str) -> None:
        classes = _dataset_meta(runner).get('classes') or ()
        present, self._present = self._present, None
        present = torch.zeros(len(classes) + 1, dtype=torch.int64) if present is None else present
        all_reduce(present)
        absent = [name for name, there in zip(classes, present) if not there]
        lines = []
        if absent and present[-1]:
            lines.append(
                f'{len(absent)} of {len(classes)} classes do not occur in the ground truth of the {phase} '
                f'data: {shown(absent, 10)}. Means leave out those that are not predicted either, and count '
                'the others as 0.'
            )
        scores = [name for name, value in metrics.items() if _is_nan(value)]
        scores = [name for name in scores if not name.rpartition('/')[2].startswith('IoU.')]
        if scores:
            lines.append(
                f'{shown(scores, 10)} is nan: nothing that it averages over occurs in the {phase} data.'
            )
        best = [name for name in _saved_by(runner) if name in scores] if phase == 'validation' else []
        if best:
            lines.append(f'save_best={best[0]!r}: the score is nan, so no best checkpoint is kept.')
        for line in lines:
            print_log(line, 'current', logging.WARNING)


def num_queries_of(segmentor: Any) -> int | None:
    """Number of queries of a model that classifies masks, None for others."""
    head = getattr(segmentor, 'decode_head', None)
    queries: Any = getattr(getattr(head, 'transformer_decoder', None), 'query_embed', None)
    return len(queries.weight) if hasattr(head, 'class_embed') and hasattr(queries, 'weight') else None


def _can_be_surveyed(dataset: Any) -> bool:
    """Whether all data sets inside list their samples as mmseg's do."""
    return all(hasattr(part.dataset, 'get_data_info') for part in unwrapped_datasets(dataset))


def _check_files(report: Survey, phase: str, reasons: Sequence[str] = (MISSING_IMAGES, MISSING_MAPS)) -> None:
    for reason in reasons:
        missing = report.left_out.get(reason)
        if missing:
            skip = ', or train with mmmaskformer.SkipBadSamples, which leaves such samples out'
            raise FileNotFoundError(
                f'{phase}_dataloader: {len(missing)} of {report.num_images} samples are {reason}, the first '
                f'is {missing[0]}: add the files, or check data_prefix, img_suffix and seg_map_suffix'
                f'{skip if phase == "train" else ""}.'
            )


def _check_labels(dataset: Any, phase: str) -> None:
    """Read annotations until one has a class; refuse data in which none has."""
    paths: list[str] = []
    faults: list[Exception] = []
    for part in unwrapped_datasets(dataset):
        indices = np.flatnonzero(part.times).tolist()
        for start in range(0, len(indices), 256):
            contents = contents_of(part.dataset, indices[start : start + 256])
            if any(len(getattr(content, 'classes', ())) for content in contents):
                return
            faults += [content for content in contents if isinstance(content, Exception)]
        paths += [part.dataset.get_data_info(index).get('seg_map_path') for index in indices]
    if faults:
        raise ValueError(
            f'{phase}_dataloader: {len(faults)} of {len(paths)} label maps cannot be read, and no pixel of '
            f'the others belongs to a class. The first: {faults[0]}'
        ) from faults[0]
    paths = [path for path in paths if path is not None]
    if phase == 'val' and not paths:
        return  # a metric may have annotations of its own
    values = _values(paths[:NUM_OPENED])
    held = (
        f' The label maps hold the values {shown(values, 10)} (first {NUM_OPENED} files).' if values else ''
    )
    reduced = (
        ' and reduce_zero_label, which makes 0 a pixel of no class,'
        if dataset.metainfo.get('reduce_zero_label')
        else ''
    )
    raise ValueError(
        f'{phase}_dataloader: not one pixel of {len(paths) or "its"} images belongs to a class.{held} Check '
        f'classes{reduced} in the data set: classes count from 0, and 255 is a pixel of no class.'
    )


def _values(paths: Iterable[str]) -> list[int]:
    """The values that label maps hold as files."""
    values: set[int] = set()
    loader = LoadAnnotations()
    for path in paths:
        try:
            values.update(np.unique(loader.read(path)).tolist())
        except (OSError, ValueError):
            continue
    return sorted(values)


def _skips(dataset: Any) -> bool:
    return isinstance(dataset, SkipBadSamples) or any(map(_skips, inner_datasets(dataset)))


def _writes_only(loop: Any) -> bool:
    return any(getattr(metric, 'format_only', False) for metric in metrics_of(loop))


def _dataset_meta(runner: Runner) -> Mapping:
    return getattr(segmentor_of(runner.model), 'dataset_meta', None) or {}


def _labels_of(sample: Any) -> torch.Tensor | None:
    """Classes of a sample's ground truth; None if it has none."""
    if 'gt_segments_info' in sample:
        segments = [segment for segment in sample.gt_segments_info if not segment.get('iscrowd')]
        return torch.tensor([segment['category_id'] for segment in segments], dtype=torch.int64)
    return torch.unique(sample.gt_sem_seg.data).long() if 'gt_sem_seg' in sample else None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and math.isnan(value)


def _saved_by(runner: Runner) -> list[str]:
    """Scores by which the best checkpoint is kept."""
    settings = (getattr(hook, 'save_best', None) or () for hook in runner.hooks)
    return [name for names in settings for name in ([names] if isinstance(names, str) else names)]
