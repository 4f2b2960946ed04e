"""Conversion of results to MMDetection's encoding, for its visualizer and metrics.

mmdet numbers things before stuff, and writes a panoptic result as one map of ``class + 1000 * id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmdet.evaluation import INSTANCE_OFFSET
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

PER_CLASS = 'classes', 'palette', 'category_ids'


def mmdet_meta(dataset_meta: Mapping[str, Any]) -> dict[str, Any]:
    """The metainfo of a data set in mmdet's order: things first, each group in its own order.

    mmdet's metrics take the categories of an annotation file in the order of that file, so with ``ann_file``
    the file must have its things first as well (COCO's files have).

    Returns:
        The metainfo with ``classes``, ``palette`` (of tuples, as mmdet draws) and ``category_ids`` reordered,
        and ``stuff_classes``.

    Raises:
        ValueError: There are no ``classes`` or ``thing_classes``, or more classes than mmdet can encode.
    """
    order = _mmdet_order(dataset_meta)
    moved: dict[str, Any] = {
        key: tuple(dataset_meta[key][i] for i in order) for key in PER_CLASS if dataset_meta.get(key)
    }
    if 'palette' in moved:
        moved['palette'] = [tuple(color) for color in moved['palette']]
    things = set(dataset_meta['thing_classes'])
    return {
        **dataset_meta,
        **moved,
        'thing_classes': tuple(name for name in moved['classes'] if name in things),
        'stuff_classes': tuple(name for name in moved['classes'] if name not in things),
    }


def to_mmdet(sample: SegDataSample, dataset_meta: Mapping[str, Any]) -> DetDataSample:
    """Convert the panoptic and instance results of a sample to mmdet's encoding.

    Args:
        sample: With ``pred_panoptic_seg`` and ``pred_segments_info``, ``pred_instances``, or both.
        dataset_meta: ``classes`` and ``thing_classes`` of the data set; mmdet needs those of
            :func:`mmdet_meta`.

    Returns:
        The sample's metainfo; ``pred_panoptic_seg.sem_seg`` ``(1, H, W)`` int64, ``class + 1000 * id`` and,
        where nothing is predicted, the number of classes; ``pred_instances`` with mmdet's labels.

    Raises:
        ValueError: As :func:`mmdet_meta`; or a segment of the map is not listed.
    """
    order = _mmdet_order(dataset_meta)
    label = torch.empty(len(order), dtype=torch.int64)
    label[torch.tensor(order, dtype=torch.int64)] = torch.arange(len(order))
    result = DetDataSample(metainfo=sample.metainfo)
    if 'pred_panoptic_seg' in sample:
        encoded = _encode(sample.pred_panoptic_seg.data, sample.pred_segments_info, label)
        result.pred_panoptic_seg = PixelData(sem_seg=encoded)
    if 'pred_instances' in sample:
        fields = dict(sample.pred_instances.all_items())
        result.pred_instances = InstanceData(
            **{**fields, 'labels': label.to(fields['labels'].device)[fields['labels']]}
        )
    return result


def _encode(ids: Tensor, segments: list[dict], label: Tensor) -> Tensor:
    largest = max([int(ids.max()), *(segment['id'] for segment in segments)])
    codes = torch.full((largest + 1,), -1, dtype=torch.int64)
    codes[0] = len(label)
    for segment in segments:
        codes[segment['id']] = label[segment['category_id']] + INSTANCE_OFFSET * segment['id']
    encoded = codes.to(ids.device)[ids.long()]
    if (encoded < 0).any():
        raise ValueError(
            f'segment {int(ids[encoded < 0][0])} is in pred_panoptic_seg but not in pred_segments_info'
        )
    return encoded


def _mmdet_order(dataset_meta: Mapping[str, Any]) -> list[int]:
    """Index of the class of the data set for each class of mmdet."""
    classes, things = dataset_meta.get('classes'), dataset_meta.get('thing_classes')
    if classes is None or things is None:
        raise ValueError('mmdet needs to know which classes are things: add thing_classes to dataset_meta')
    if len(classes) >= INSTANCE_OFFSET:
        raise ValueError(
            f'mmdet encodes fewer than {INSTANCE_OFFSET} classes, the data set has {len(classes)}'
        )
    return sorted(range(len(classes)), key=lambda i: classes[i] not in set(things))
