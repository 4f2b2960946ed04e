"""MaskFormer's panoptic and instance inference in NumPy.

The functions are those of `mmmaskformer.functional.postprocess` without PyTorch: with their arguments,
in their order of queries, and with their rules for ties. Tests compare both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arithmetic import sigmoid, softmax
from .resizing import OutputSize, RowResizer, bands


class Prediction(NamedTuple):
    """What a graph gives for one image.

    Attributes:
        class_logits: ``(Q, K + 1)``; the last class is no-object.
        mask_logits: ``(Q, h, w)``.
        boxes: ``(Q, 4)`` center, width and height as parts of the image (DETR); None for other systems.
    """

    class_logits: NDArray[Any]
    mask_logits: NDArray[Any]
    boxes: NDArray[Any] | None = None


class PanopticSegments(NamedTuple):
    """Segments that do not overlap.

    Attributes:
        ids: ``(H, W)`` int32: 0 where there is no segment, else an id of ``segments_info``.
        segments_info: ``id``, ``category_id``, ``isthing`` and ``score`` of each segment.
    """

    ids: NDArray[Any]
    segments_info: list[dict]


class Instances(NamedTuple):
    """Objects, which may overlap, best first.

    Attributes:
        labels: ``(N,)`` int64 classes.
        scores: ``(N,)`` float32.
        masks: ``(N, H, W)`` bool.
    """

    labels: NDArray[Any]
    scores: NDArray[Any]
    masks: NDArray[Any]


def panoptic_segments(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.8,
    overlap_thr: float = 0.8,
    mask_thr: float = 0.0,
) -> PanopticSegments:
    """Each pixel goes to the query whose p(class) * p(pixel in mask) is highest (paper, section 3.4).

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: A segment that keeps less than this part of its mask's area is left out.
        mask_thr: Pixels that are less probably in the mask of their query are void.
    """
    labels, scores, queries = sure_queries(prediction.class_logits, score_thr)
    if not len(queries):
        return PanopticSegments(np.zeros(size.output, np.int32), [])
    winner, areas = compete(prediction.mask_logits[queries], scores[queries], size, mask_thr)
    kept, void = np.bincount(winner.ravel(), minlength=2 * len(queries)).reshape(2, -1)
    won = np.where(kept > 0, kept + void, 0)
    rows = (labels[queries], scores[queries], areas, won)
    ids, info = number_segments(list(zip(*(row.tolist() for row in rows))), is_thing, overlap_thr)
    return PanopticSegments(np.array([*ids, *[0] * len(ids)], np.int32)[winner], info)


def sure_queries(
    class_logits: NDArray[Any], score_thr: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Best class and its probability of all queries ``(Q,)``; indices of those that are sure of a class."""
    probabilities = softmax(class_logits)
    labels, scores = probabilities.argmax(-1), probabilities.max(-1)
    sure = (labels < probabilities.shape[-1] - 1) & (scores > np.float32(score_thr))
    return labels, scores, np.flatnonzero(sure)


def compete(
    mask_logits: NDArray[Any], scores: NDArray[Any], size: OutputSize, mask_thr: float = 0.0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give each pixel to the query whose score * p(pixel in mask) is highest.

    Args:
        mask_logits: ``(N, h, w)``.
        scores: ``(N,)``.
        size: Sizes of input, image and output.
        mask_thr: Where the probability of the pixel is below this, the index of the query is N higher.

    Returns:
        ``(*size.output)`` int64 index of each pixel's query; ``(N,)`` int64 areas of the masks, p >= 0.5.
    """
    height, width = size.output
    winner, areas = np.empty(size.output, np.int64), np.zeros(len(scores), np.int64)
    rows = RowResizer(pixels_first(mask_logits), size)
    for start, stop in bands(height, len(scores) * width):
        masks = sigmoid(rows.resize(start, stop))
        areas += np.count_nonzero(masks >= 0.5, axis=(0, 1))
        best = (masks * scores).argmax(-1)
        if mask_thr > 0:
            inside = np.take_along_axis(masks, best[..., None], -1)[..., 0]
            best += (inside < np.float32(mask_thr)) * len(scores)
        winner[start:stop] = best
    return winner, areas


def pixels_first(mask_logits: NDArray[Any]) -> NDArray[np.float32]:
    """``(Q, h, w)`` -> ``(h, w, Q)`` float32, the values of a pixel beside each other."""
    return np.ascontiguousarray(mask_logits.transpose(1, 2, 0), dtype=np.float32)


def number_segments(
    queries: Sequence[Sequence[float]], is_thing: Sequence[bool], overlap_thr: float
) -> tuple[list[int], list[dict]]:
    """Segment id of each query, 0 for one left out, from its (class, score, area of mask, area won)."""
    ids: list[int] = []
    segments_info: list[dict] = []
    id_of_stuff: dict[int, int] = {}
    for number, score, area, won in queries:
        label = int(number)
        if not won or not area or won / area < overlap_thr:
            ids.append(0)
            continue
        if label in id_of_stuff:
            ids.append(id_of_stuff[label])
            continue
        ids.append(len(segments_info) + 1)
        if not is_thing[label]:
            id_of_stuff[label] = ids[-1]
        segments_info.append(dict(id=ids[-1], category_id=label, isthing=bool(is_thing[label]), score=score))
    return ids, segments_info


def instances(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
    stuff_competes: bool = False,
) -> Instances:
    """The best pairs of a query and a thing class; a query may give several classes.

    The score is p(class) times the mean probability of the mask's pixels, as in Mask2Former.

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing.
        score_thr: Pairs whose p(class) is not above this are left out.
        max_per_image: At most so many pairs are kept.
        stuff_competes: Pairs with stuff classes take some of these places, and are left out then.
    """
    things = np.array(is_thing, bool)
    probabilities = softmax(prediction.class_logits)[:, : len(things)]
    candidates = (
        probabilities if stuff_competes else np.where(things, probabilities, np.float32(-1))
    ).ravel()
    pairs = np.argsort(-candidates, kind='stable')[:max_per_image]
    labels = pairs % len(things)
    kept = (candidates[pairs] > np.float32(max(score_thr, 0.0))) & things[labels]
    pairs, labels = pairs[kept], labels[kept]
    resized, row_of_pair = np.unique(pairs // len(things), return_inverse=True)
    masks, confidences = binary_masks(prediction.mask_logits[resized], size)
    scores = candidates[pairs] * confidences[row_of_pair]
    order = np.argsort(-scores, kind='stable')
    return Instances(labels[order], scores[order], masks[row_of_pair[order]])


def binary_masks(mask_logits: NDArray[Any], size: OutputSize) -> tuple[NDArray[Any], NDArray[Any]]:
    """Masks ``(N, *size.output)`` bool at the output's size, and the mean probability of their pixels."""
    number = len(mask_logits)
    masks = np.zeros((number, *size.output), bool)
    inside, areas = np.zeros(number), np.zeros(number)
    rows = RowResizer(pixels_first(mask_logits), size)
    for start, stop in bands(size.output[0], number * size.output[1]):
        logits = rows.resize(start, stop)
        covered = logits > 0
        masks[:, start:stop] = covered.transpose(2, 0, 1)
        areas += np.count_nonzero(covered, axis=(0, 1))
        inside += np.where(covered, sigmoid(logits), 0).sum((0, 1), dtype=np.float64)
    return masks, (inside / np.maximum(areas, 1)).astype(np.float32)
