"""Average precision of instances."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.logging import print_log
from prettytable import PrettyTable

from ..datasets.coco_instance import CocoInstanceDataset
from ..registry import METRICS
from .annotation_file import AnnotationFile, same_file
from .coco_ap import (
    Precision,
    annotation,
    average_precision,
    box_annotation,
    index_annotations,
    with_box,
)
from .per_image_metric import PerImageMetric, image_key, image_name, meta_field
from .prediction_files import image_id, write_json


class _ImageResult(NamedTuple):
    """Annotations and detections of an image: masks as run lengths, categories as indices of classes."""

    key: tuple[Hashable, ...]
    img_id: int | str | None
    shape: tuple[int, int]
    annotations: list[dict]
    detections: list[dict]


@METRICS.register_module()
class InstanceAP(PerImageMetric):
    """COCO's AP, AP50, AP75, AP_small, AP_medium and AP_large of masks or boxes, in percent; things alone.

    Samples have ``pred_instances`` with labels, scores and masks. The ground truth is ``gt_panoptic_seg``
    ``(L, H, W)`` with ``gt_segments_info``, or, with ``ann_file``, a COCO JSON file, read by the rules of
    `CocoInstanceDataset`: both give the same numbers.
    Values are nan without ground truth, such as AP_small without small objects, and 0 without
    detections. Masks are stored as run lengths.

    Args:
        ann_file: JSON file with the objects, those of the data set; samples then need ``img_id``, and the
            metainfo ``category_ids``. Only images with samples are evaluated.
        iou_type: What is compared with the ground truth: ``'segm'`` for masks, ``'bbox'`` for the boxes that
            a model such as DETR predicts. Those of the ground truth lie around its masks. Names of values of
            boxes begin with ``box_``.
        classwise: Also print the AP of every class.
        backend_args: MMEngine's file backend for ``ann_file``.
        outfile_prefix: Write ``<prefix>.segm.json``, a list of COCO results with ``category_ids``; for boxes
            ``<prefix>.bbox.json``.
        format_only: Write the file alone.
        **kwargs: As `PerImageMetric`.

    Raises:
        ValueError: ``iou_type`` is neither of the two.
    """

    def __init__(
        self,
        ann_file: str | None = None,
        classwise: bool = False,
        backend_args: dict | None = None,
        iou_type: str = 'segm',
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if iou_type not in ('segm', 'bbox'):
            raise ValueError(f"iou_type is {iou_type!r}: set it to 'segm' for masks or 'bbox' for boxes")
        self.iou_type = iou_type
        self.ann_file = ann_file
        self.classwise = classwise
        self.backend_args = backend_args
        self._read: AnnotationFile | None = None

    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Encode the masks of a batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts.

        Raises:
            ValueError: A sample lacks ground truth or prediction, or the two differ in size.
        """
        for sample in data_samples:
            key = image_key(sample)
            try:
                wants_id = self.ann_file or self.outfile_prefix
                number = image_id(sample) if wants_id else sample.get('img_id')
                detections = self._detections(sample)
                annotations = [] if self.ann_file or self.format_only else self._annotations(sample)
            except ValueError as error:
                raise ValueError(f'{image_name(sample)}: {error}') from error
            self.results.append((key, _ImageResult(key, number, _shape(sample), annotations, detections)))

    def combine(self, results: list[_ImageResult]) -> list[_ImageResult] | None:
        """All images, in an order that does not depend on their distribution to processes."""
        gathered = self.gather(results)
        return None if gathered is None else sorted(gathered, key=lambda result: str(result.key))

    def compute_metrics(self, results: list[_ImageResult]) -> dict[str, float]:
        """Evaluate, and write the file."""
        if self.outfile_prefix is not None:
            self._write(results)
        if self.format_only:
            return {}
        numbers = list(range(1, len(results) + 1))
        categories = list(range(len(meta_field(self.dataset_meta, 'classes', self))))
        things = self._things()
        precision = average_precision(
            index_annotations(self._ground_truth(results), numbers, categories),
            [
                {**detection, 'image_id': number}
                for number, result in zip(numbers, results)
                for detection in result.detections
            ],
            numbers,
            things,
            self.iou_type,
        )
        self._print(precision, things)
        prefix = 'box_' if self.iou_type == 'bbox' else ''
        return {f'{prefix}{name}': value for name, value in precision.overall.items()}

    def check_data(self, datasets: Sequence[Any]) -> None:
        """Compare ``ann_file`` with the data sets whose images are evaluated; `CheckDatasetHook` calls it.

        Args:
            datasets: The data sets, without wrappers.

        Raises:
            FileNotFoundError: ``ann_file`` is missing.
            ValueError: It has other images, objects or categories than the data sets.
        """
        if self.ann_file is None or self.format_only:
            return
        own = [
            getattr(dataset, 'ann_file', None) for dataset in datasets if type(dataset) is CocoInstanceDataset
        ]
        if len(own) < len(datasets) or not all(path and same_file(path, self.ann_file) for path in own):
            self._file().check(datasets)

    def _file(self) -> AnnotationFile:
        """``ann_file``, read once."""
        if self._read is None:
            assert self.ann_file is not None
            meta = {
                field: meta_field(self.dataset_meta, field, self)
                for field in ('classes', 'thing_classes', 'category_ids')
            }
            self._read = AnnotationFile(self.ann_file, self.backend_args, meta)
        return self._read

    def _ground_truth(self, results: list[_ImageResult]) -> list[dict]:
        """Annotations of all images, which are numbered from 1."""
        if self.ann_file is None:
            annotations = [result.annotations for result in results]
        else:
            file = self._file()
            annotations = [file.annotations(_known_id(result), result.shape) for result in results]
            if len(results) < len(file.index.images):
                print_log(
                    f'evaluating {len(results)} of the {len(file.index.images)} images of {self.ann_file}',
                    logger='current',
                    level=logging.WARNING,
                )
        return [
            {**(with_box(entry) if self.iou_type == 'bbox' else entry), 'image_id': number}
            for number, entries in enumerate(annotations, start=1)
            for entry in entries
        ]

    def _things(self) -> list[int]:
        """Indices of the things among the classes."""
        names = set(meta_field(self.dataset_meta, 'thing_classes', self))
        classes = meta_field(self.dataset_meta, 'classes', self)
        return [place for place, name in enumerate(classes) if name in names]

    def _detections(self, sample: Mapping) -> list[dict]:
        instances = sample.get('pred_instances')
        if instances is None:
            raise ValueError('the sample has no pred_instances: enable them by model.test_cfg.instance')
        labels, scores, masks = (instances[name].cpu().numpy() for name in ('labels', 'scores', 'masks'))
        num_classes, things = len(meta_field(self.dataset_meta, 'classes', self)), set(self._things())
        if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f'pred_instances has labels from {labels.min()} to {labels.max()}, expected classes '
                f'(0 to {num_classes - 1})'
            )
        shapes = instances['bboxes'].tolist() if self.iou_type == 'bbox' else masks
        encode = box_annotation if self.iou_type == 'bbox' else annotation
        return [
            encode(shape, label, score=float(score))
            for label, score, shape in zip(labels.tolist(), scores, shapes)
            if label in things
        ]

    def _annotations(self, sample: Mapping) -> list[dict]:
        segments = sample.get('gt_segments_info')
        if segments is None or sample.get('gt_panoptic_seg') is None:
            raise ValueError(
                'the sample has no gt_panoptic_seg with gt_segments_info: load and pack the ground truth in '
                'the test pipeline, or set ann_file or format_only=True'
            )
        layers = sample['gt_panoptic_seg']['data'].cpu().numpy()
        masks = sample['pred_instances']['masks']
        if len(masks) and masks.shape[-2:] != layers.shape[-2:]:
            raise ValueError(
                f'the ground truth is {layers.shape[-2:]}, but masks are {tuple(masks.shape[-2:])}: '
                'load the ground truth after resizing in the test pipeline'
            )
        things = set(self._things())
        return [
            annotation(
                np.any(layers == segment['id'], axis=0),
                segment['category_id'],
                area=segment.get('area'),
                iscrowd=int(segment.get('iscrowd', 0)),
            )
            for segment in segments
            if segment['category_id'] in things
        ]

    def _write(self, results: list[_ImageResult]) -> None:
        categories = [int(number) for number in meta_field(self.dataset_meta, 'category_ids', self)]
        listed = [
            dict(
                image_id=result.img_id,
                category_id=categories[detection['category_id']],
                **{key: detection[key] for key in ('segmentation', 'bbox') if key in detection},
                score=detection['score'],
            )
            for result in results
            for detection in result.detections
        ]
        path = write_json(listed, Path(f'{self.outfile_prefix}.{self.iou_type}.json'))
        print_log(f'{len(listed)} results of {len(results)} images were written to {path}', logger='current')

    def _print(self, precision: Precision, things: list[int]) -> None:
        title = 'instance AP' if self.iou_type == 'segm' else 'AP of boxes'
        print_log(f'{title}:\n{precision.summary}', logger='current')
        if self.classwise:
            classes = meta_field(self.dataset_meta, 'classes', self)
            printed = PrettyTable()
            printed.add_column('Class', [classes[place] for place in things])
            printed.add_column('AP', [round(value, 2) for value in precision.per_class])
            print_log(f'per class results:\n{printed.get_string()}', logger='current')


def _shape(sample: Mapping) -> tuple[int, int]:
    """Height and width of the predicted masks."""
    height, width = sample['pred_instances']['masks'].shape[-2:]
    return int(height), int(width)


def _known_id(result: _ImageResult) -> int | str:
    assert result.img_id is not None  # checked when the sample was processed
    return result.img_id
