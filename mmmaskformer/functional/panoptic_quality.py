"""Panoptic quality: match the segments of an image, count per class, average over classes (numpy only).

"Panoptic Segmentation", Kirillov et al., CVPR 2019, section 4; void and crowds as panopticapi has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SegmentsInfo = Sequence[dict[str, Any]]

VOID = 0
# Maps of smaller ids are counted as they are: the table of joint areas then has at most 2**20 cells.
DIRECT_IDS = 1024


@dataclass(frozen=True)
class PanopticSums:
    """What is counted per class, of one image or of many: sums add up.

    Attributes:
        iou: Intersection over union, summed over the matched pairs, ``(K,)`` float64.
        tp: Matched pairs, ``(K,)`` int64.
        fp: Predicted segments without a match, ``(K,)`` int64.
        fn: True segments without a match, ``(K,)`` int64.
    """

    iou: Array
    tp: Array
    fp: Array
    fn: Array

    def __add__(self, other: PanopticSums) -> PanopticSums:
        return PanopticSums(self.iou + other.iou, self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


class _Listed(NamedTuple):
    """The segments that one map should have: id and class of each, ``(S,)``, and which are crowds."""

    ids: Array
    classes: Array
    crowd: Array


class JointAreas(NamedTuple):
    """Pixels that each id of one map shares with each id of another, ``(T, P)``; the ids ascend."""

    true_ids: Array
    predicted_ids: Array
    table: Array


def count_panoptic(
    ground_truth: Array,
    prediction: Array,
    ground_truth_segments: SegmentsInfo,
    predicted_segments: SegmentsInfo,
    num_classes: int,
) -> PanopticSums:
    """Match the segments of one image, and count.

    Two segments of one class match at an IoU above 0.5, whose union leaves out what the prediction has on
    void. Crowds match nothing and are never missed. A prediction without a match counts as false unless more
    than half of it lies on void and the crowd of its class (of several such crowds the last one listed).
    Areas are those of the maps. True pixels that no listed segment claims belong to nobody, but are not void.

    Args:
        ground_truth: ``(H, W)`` segment ids of any size, 0 where void.
        prediction: ``(H, W)`` segment ids of any size, 0 where nothing is predicted.
        ground_truth_segments: dicts of ``id``, ``category_id`` in ``[0, num_classes)``, perhaps ``iscrowd``.
        predicted_segments: dicts of ``id`` and ``category_id``.
        num_classes: K.

    Raises:
        ValueError: The maps differ in size or are not id maps; an id is listed twice, or is 0; a category is
            unknown; the predicted map has an id that is not listed, or lacks one that is.
    """
    true = _read_list(ground_truth_segments, num_classes, 'true')
    predicted = _read_list(predicted_segments, num_classes, 'predicted')
    joint = joint_areas(ground_truth, prediction)
    present = _present_ids(joint)[1]
    for ids, where in (
        (np.setdiff1d(present, [VOID, *predicted.ids]), 'in the map of the prediction but not in its list'),
        (np.setdiff1d(predicted.ids, present), 'in the list of the prediction but not in its map'),
    ):
        if len(ids):
            raise ValueError(f'segment {ids[0]} is {where} of segments (segments_info)')
    return _count(joint, true, predicted, VOID, num_classes)


def count_semantic(
    ground_truth: Array, prediction: Array, num_classes: int, ignore_index: int = 255
) -> PanopticSums:
    """Count two label maps, all of an image's pixels of a class being one segment (PQ^St of the paper).

    Args:
        ground_truth: ``(H, W)`` class of every pixel, or ``ignore_index`` where void.
        prediction: ``(H, W)`` class of every pixel, or ``ignore_index`` where nothing is predicted.
        num_classes: K.
        ignore_index: Label of void.

    Raises:
        ValueError: The maps differ in size or are not label maps; a label is neither a class nor ignored.
    """
    joint = joint_areas(ground_truth, prediction)
    sides = []
    for name, labels in zip(('true', 'predicted'), _present_ids(joint)):
        classes = labels[labels != ignore_index]
        if len(classes) and classes[-1] >= num_classes:
            rest = name == 'predicted' and num_classes == 1  # of mmseg's segmentor with a head of one class
            hint = ': set model.type=mmmaskformer.MaskFormer' if rest else ''
            raise ValueError(
                f'the {name} label {classes[-1]} is neither a class (0 to {num_classes - 1}) nor ignored '
                f'(ignore_index={ignore_index}){hint}'
            )
        sides.append(_Listed(classes, classes, np.zeros(len(classes), dtype=bool)))
    return _count(joint, sides[0], sides[1], ignore_index, num_classes)


def qualities(sums: PanopticSums) -> Array:
    """PQ, SQ and RQ of every class, ``(K, 3)`` in [0, 1]; nan where a class neither is nor was predicted."""
    seen = sums.tp + sums.fp + sums.fn > 0
    halves = np.where(seen, sums.tp + 0.5 * sums.fp + 0.5 * sums.fn, np.nan)
    matched = np.where(seen, np.maximum(sums.tp, 1), np.nan)
    return np.stack([sums.iou / halves, sums.iou / matched, sums.tp / halves], axis=1)


def mean_quality(table: Array) -> Array:
    """Mean of the rows of :func:`qualities` that are not nan: PQ, SQ, RQ; nan where there is no such row."""
    seen = table[~np.isnan(table[:, 0])]
    return seen.mean(axis=0) if len(seen) else np.full(3, np.nan)


def joint_areas(ground_truth: Array, prediction: Array) -> JointAreas:
    """Count how many pixels each pair of ids shares, in one pass over the pixels.

    Args:
        ground_truth: ``(H, W)`` integers, none negative.
        prediction: ``(H, W)`` integers, none negative.

    Returns:
        Ids and table; an id need not occur (its row or column is zero then).

    Raises:
        ValueError: The maps differ in size, are not integer, or have a negative value.
    """
    if ground_truth.shape != prediction.shape or ground_truth.ndim != 2:
        raise ValueError(
            f'the ground truth is {ground_truth.shape} and the prediction {prediction.shape}, expected two '
            'maps (height, width) of one size: load the ground truth after resizing in the test pipeline'
        )
    true_ids, rows = _compact(ground_truth, 'true')
    predicted_ids, columns = _compact(prediction, 'predicted')
    shape = len(true_ids), len(predicted_ids)
    cells = np.multiply(rows, shape[1], dtype=np.intp)
    np.add(cells, columns, out=cells, dtype=np.intp)
    counts = np.bincount(cells.ravel(), minlength=shape[0] * shape[1])
    return JointAreas(true_ids, predicted_ids, counts.reshape(shape))


def _compact(ids: Array, name: str) -> tuple[Array, Array]:
    """Ids ascending, and the map as indices into them.

    Large ids, such as colors, are found at the borders of runs of equal pixels, which are few.
    """
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f'the {name} map is of {ids.dtype}, expected integers')
    lowest, highest = (int(ids.min()), int(ids.max())) if ids.size else (0, 0)
    if lowest < 0:
        raise ValueError(f'the {name} map has the value {lowest}, expected none below 0')
    if highest < DIRECT_IDS:
        return np.arange(highest + 1), ids
    flat = ids.ravel()
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    found, runs = np.unique(flat[starts], return_inverse=True)
    return found.astype(np.int64), np.repeat(runs, np.diff(starts, append=flat.size)).reshape(ids.shape)


def _present_ids(joint: JointAreas) -> tuple[Array, Array]:
    return joint.true_ids[joint.table.any(axis=1)], joint.predicted_ids[joint.table.any(axis=0)]


def _read_list(segments: SegmentsInfo, num_classes: int, name: str) -> _Listed:
    ids = np.array([segment['id'] for segment in segments], dtype=np.int64)
    classes = np.array([segment['category_id'] for segment in segments], dtype=np.int64)
    crowd = np.array([bool(segment.get('iscrowd', 0)) for segment in segments], dtype=bool)
    values, repeats = np.unique(ids, return_counts=True)
    if (repeats > 1).any():
        raise ValueError(
            f'the {name} segment {values[repeats > 1][0]} is listed twice, expected ids to differ'
        )
    if (ids == VOID).any():
        raise ValueError(f'a {name} segment has the id {VOID}, which marks void: ids start at 1')
    for i in np.flatnonzero((classes < 0) | (classes >= num_classes))[:1]:
        raise ValueError(
            f'the {name} segment {ids[i]} has category_id {classes[i]}, expected an index into the classes '
            f'(0 to {num_classes - 1})'
        )
    return _Listed(ids, classes, crowd)


def _positions(ids: Array, wanted: Array) -> Array:
    """Where the wanted ids are among ascending ids; the position after the last one for ids that are not."""
    places = np.searchsorted(ids, wanted)
    found = ids[np.minimum(places, len(ids) - 1)] == wanted
    return np.where(found, places, len(ids))


def _count(joint: JointAreas, true: _Listed, predicted: _Listed, void: int, num_classes: int) -> PanopticSums:
    table = np.pad(joint.table, (0, 1))  # an id that a map lacks gets the empty last row or column
    rows, columns = _positions(joint.true_ids, true.ids), _positions(joint.predicted_ids, predicted.ids)
    shared = table[np.ix_(rows, columns)]
    on_void = table[_positions(joint.true_ids, np.array(void)), columns]
    areas = table.sum(axis=0)[columns]
    union = table.sum(axis=1)[rows][:, None] + (areas - on_void) - shared
    same = (true.classes[:, None] == predicted.classes) & ~true.crowd[:, None]
    hits, matches = np.nonzero(same & (2 * shared > union))
    missed = ~true.crowd
    missed[hits] = False
    false = 2 * (on_void + _on_crowd(shared, true, predicted, num_classes)) <= areas
    false[matches] = False

    def per_class(classes: Array, weights: Array | None = None) -> Array:
        return np.bincount(classes, weights, minlength=num_classes)

    return PanopticSums(
        iou=per_class(true.classes[hits], shared[hits, matches] / union[hits, matches]),
        tp=per_class(true.classes[hits]),
        fp=per_class(predicted.classes[false]),
        fn=per_class(true.classes[missed]),
    )


def _on_crowd(shared: Array, true: _Listed, predicted: _Listed, num_classes: int) -> Array:
    """Pixels of each prediction on the crowd of its class, ``(P,)``."""
    crowd_of_class = np.full(num_classes, len(true.ids))
    for row in np.flatnonzero(true.crowd):
        crowd_of_class[true.classes[row]] = row
    padded = np.pad(shared, ((0, 1), (0, 0)))
    return padded[crowd_of_class[predicted.classes], np.arange(len(predicted.ids))]
