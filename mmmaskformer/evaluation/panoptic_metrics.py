"""Metrics of panoptic quality: PQ, SQ and RQ of id maps, and of label maps (PQ^St)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.logging import print_log
from numpy.typing import NDArray
from prettytable import PrettyTable

from ..functional.panoptic_quality import (
    PanopticSums,
    count_panoptic,
    count_semantic,
    mean_quality,
    qualities,
)
from ..functional.targets import ignored_label
from ..registry import METRICS
from .per_image_metric import PerImageMetric, image_key, image_name, meta_field
from .prediction_files import PanopticSubmission

Array = NDArray[Any]

# Sums of IoU are multiples of this unit, so that they are exact in any order of addition.
IOU_UNIT = 2.0**-40


class _ImageResult(NamedTuple):
    """Sums of the classes in an image (None if only files are written), and its entry in the JSON file."""

    sums: Array | None
    entry: dict | None


class _PanopticMetric(PerImageMetric):
    """Base of both metrics, which define how an image is counted and which segments are written."""

    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Count the images of a batch, and write their files.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts.

        Raises:
            ValueError: A sample lacks ground truth or prediction, or a map has an id that is not listed.
        """
        for sample in data_samples:
            key = image_key(sample)
            try:
                sums = None if self.format_only else pack_sums(self._count(sample))
                entry = self._write_map(sample) if self._writes else None
            except ValueError as error:
                raise ValueError(f'{image_name(sample)}: {error}') from error
            self.results.append((key, _ImageResult(sums, entry)))

    def combine(self, results: list[_ImageResult]) -> tuple[PanopticSums, list[dict] | None]:
        """Sums over the images of all processes, and the entries of the JSON file if one is written."""
        total = np.zeros((4, self._num_classes), dtype=np.int64)
        for result in results:
            if result.sums is not None:
                total[:, result.sums[0]] += result.sums[1:]
        on_all = torch.from_numpy(total)
        all_reduce(on_all)
        entries = self.gather([result.entry for result in results]) if self._writes else None
        iou, *counts = on_all.numpy()
        return PanopticSums(iou * IOU_UNIT, *counts), entries

    def compute_metrics(self, results: tuple[PanopticSums, list[dict] | None]) -> dict[str, float]:
        """Percentages from the sums, nan for classes that do not occur. Also writes the JSON file."""
        sums, entries = results
        if entries is not None:
            path = self._submission().write_list(entries)
            print_log(f'{len(entries)} results were written to {path}', logger='current')
        return {} if self.format_only else self._averages(sums, 100 * qualities(sums))

    @property
    def _writes(self) -> bool:
        return self.outfile_prefix is not None

    @property
    def _num_classes(self) -> int:
        return len(meta_field(self.dataset_meta, 'classes', self))

    def _submission(self) -> PanopticSubmission:
        return PanopticSubmission(
            str(self.outfile_prefix), meta_field(self.dataset_meta, 'category_ids', self)
        )

    def _write_map(self, sample: Mapping) -> dict:
        path = sample.get('img_path')
        name = self.name_of(path) if self.name_of and path else None
        return self._submission().write_map(sample, *self._written(sample), name)

    def _print_table(self, sums: PanopticSums, table: Array) -> None:
        printed = PrettyTable()
        printed.add_column('Class', list(meta_field(self.dataset_meta, 'classes', self)))
        for name, column in zip(('PQ', 'SQ', 'RQ'), table.T):
            printed.add_column(name, column.round(2).tolist())
        for name, counts in (('TP', sums.tp), ('FP', sums.fp), ('FN', sums.fn)):
            printed.add_column(name, counts.tolist())
        print_log(f'per class results:\n{printed.get_string()}', logger='current')

    def _count(self, sample: Mapping) -> PanopticSums:
        raise NotImplementedError

    def _written(self, sample: Mapping) -> tuple[Array, list[dict]]:
        raise NotImplementedError

    def _averages(self, sums: PanopticSums, table: Array) -> dict[str, float]:
        raise NotImplementedError


@METRICS.register_module()
class PanopticQuality(_PanopticMetric):
    """PQ, SQ and RQ over all classes, things (``_th``) and stuff (``_st``): percent, as panopticapi counts.

    Samples have ``gt_panoptic_seg`` ``(1, H, W)`` with ``gt_segments_info``, and ``pred_panoptic_seg``
    ``(1, H, W)`` with ``pred_segments_info``. The metainfo of the data set has ``classes`` and
    ``thing_classes``. Processes exchange only sums per class. Values of a group without a class
    that occurs are nan.

    Args:
        outfile_prefix: Write ``<prefix>.panoptic.json`` and ``<prefix>.panoptic/*.png`` in COCO's format,
            with the ``category_ids`` of the metainfo.
        format_only: Only write the files.
        **kwargs: As `PerImageMetric`.
    """

    def _count(self, sample: Mapping) -> PanopticSums:
        return count_panoptic(
            _one_layer(sample, 'gt_panoptic_seg'),
            _one_layer(sample, 'pred_panoptic_seg'),
            _field(sample, 'gt_segments_info'),
            _field(sample, 'pred_segments_info'),
            self._num_classes,
        )

    def _written(self, sample: Mapping) -> tuple[Array, list[dict]]:
        return _one_layer(sample, 'pred_panoptic_seg'), _field(sample, 'pred_segments_info')

    def _averages(self, sums: PanopticSums, table: Array) -> dict[str, float]:
        self._print_table(sums, table)
        things = set(meta_field(self.dataset_meta, 'thing_classes', self))
        is_thing = np.array([name in things for name in meta_field(self.dataset_meta, 'classes', self)])
        everything = np.ones_like(is_thing)
        metrics: dict[str, float] = {}
        for ending, chosen in (('', everything), ('_th', is_thing), ('_st', ~is_thing)):
            metrics.update(_named(mean_quality(table[chosen]), ending))
        return metrics


@METRICS.register_module()
class SemanticPanopticQuality(_PanopticMetric):
    """PQ^St of the MaskFormer paper: ``PQ_sem``, ``SQ_sem`` and ``RQ_sem`` of label maps, in percent.

    All pixels of a class in an image form one segment, and every class is stuff. Samples have ``gt_sem_seg``
    and ``pred_sem_seg`` ``(1, H, W)``, as for mmseg's `IoUMetric`.

    Args:
        ignore_index: Label of void; 255 stands for 65535 where there are more than 255 classes.
        **kwargs: As `PanopticQuality`.
    """

    def __init__(self, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def _count(self, sample: Mapping) -> PanopticSums:
        maps = _one_layer(sample, 'gt_sem_seg'), _one_layer(sample, 'pred_sem_seg')
        return count_semantic(*maps, self._num_classes, self._void)

    def _written(self, sample: Mapping) -> tuple[Array, list[dict]]:
        labels = _one_layer(sample, 'pred_sem_seg').astype(np.int64)
        ids = np.where(labels == self._void, 0, labels + 1)
        present = np.flatnonzero(np.bincount(ids.ravel()))
        return ids, [dict(id=number, category_id=number - 1) for number in present[present > 0].tolist()]

    def _averages(self, sums: PanopticSums, table: Array) -> dict[str, float]:
        self._print_table(sums, table)
        return _named(mean_quality(table), '_sem')

    @property
    def _void(self) -> int:
        return ignored_label(self._num_classes, self.ignore_index)


def pack_sums(sums: PanopticSums) -> Array:
    """Classes that occur, sums of IoU in `IOU_UNIT`, and counts: ``(5, C)`` int64."""
    seen = np.flatnonzero(sums.tp + sums.fp + sums.fn)
    iou = np.rint(sums.iou[seen] / IOU_UNIT).astype(np.int64)
    return np.stack([seen, iou, sums.tp[seen], sums.fp[seen], sums.fn[seen]])


def _named(values: Array, ending: str) -> dict[str, float]:
    return {f'{name}{ending}': float(value) for name, value in zip(('PQ', 'SQ', 'RQ'), values)}


def _field(sample: Mapping, field: str) -> Any:
    if sample.get(field) is None:
        advice = (
            'load and pack the ground truth in the test pipeline, or set format_only=True'
            if field.startswith('gt_')
            else 'enable it in model.test_cfg'
        )
        raise ValueError(f'the sample has no {field}: {advice}')
    return sample[field]


def _one_layer(sample: Mapping, field: str) -> Array:
    """A map ``(1, H, W)`` of the sample as ``(H, W)`` array."""
    layers = _field(sample, field)['data'].cpu().numpy()
    if layers.ndim != 3 or len(layers) != 1:
        raise ValueError(
            f'{field} is {layers.shape}, expected one map (1, height, width): segments that overlap have no '
            'panoptic quality, use InstanceAP'
        )
    return layers[0]
