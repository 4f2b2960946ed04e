"""DETR's inference in NumPy: `mmmaskformer.functional.detr_inference` without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import softmax
from .postprocess import Instances, PanopticSegments, Prediction, pixels_first, sure_queries
from .resizing import OutputSize, RowResizer


def detr_segments(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.85,
    min_area: int = 5,
) -> PanopticSegments:
    """Each pixel goes to the query whose mask logit is highest, whatever its class (section 4.2).

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        min_area: Segments of fewer pixels of the output are left out, and the pixels divided anew.
    """
    classes, best, queries = sure_queries(prediction.class_logits, score_thr)
    labels, scores = classes[queries].tolist(), best[queries].tolist()
    rows, columns = (nearest_by_center(*sides) for sides in zip(size.image, size.output))
    logits = _at_input(prediction.mask_logits[queries], size)[rows][:, columns]
    winner, kept = _divide(logits, first_of_stuff(labels, is_thing), min_area)
    if not kept:
        return PanopticSegments(np.zeros(size.output, np.int32), [])
    info = [
        dict(id=i, category_id=labels[one], isthing=bool(is_thing[labels[one]]), score=scores[one])
        for i, one in enumerate(kept, start=1)
    ]
    return PanopticSegments((winner + 1).astype(np.int32), info)


def detr_instances(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
) -> Instances:
    """Every query is an object of its best class, which is not no-object, with its own mask.

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; objects of the other classes are left out.
        score_thr: Objects whose class is not more probable than this are left out.
        max_per_image: At most so many are kept.
    """
    probabilities = softmax(prediction.class_logits)[:, : len(is_thing)]
    labels, scores = probabilities.argmax(-1), probabilities.max(-1)
    order = np.argsort(-scores, kind='stable')
    kept = np.array(is_thing, bool)[labels[order]] & (scores[order] > np.float32(score_thr))
    queries = order[kept][:max_per_image]
    rows, columns = (nearest(*sides) for sides in zip(size.image, size.output))
    found = _at_input(prediction.mask_logits[queries], size)[rows][:, columns] > 0
    return Instances(labels[queries], scores[queries], np.ascontiguousarray(found.transpose(2, 0, 1)))


def first_of_stuff(labels: Sequence[int], is_thing: Sequence[bool]) -> list[int]:
    """For each segment the one that it is merged into: the first of its stuff class, or itself.

    Example:
        >>> first_of_stuff([1, 0, 1, 0], is_thing=[True, False])
        [0, 1, 0, 3]
    """
    firsts: dict[int, int] = {}
    return [i if is_thing[label] else firsts.setdefault(label, i) for i, label in enumerate(labels)]


def _divide(
    logits: NDArray[Any], merged_into: Sequence[int], min_area: int
) -> tuple[NDArray[Any], list[int]]:
    """Index of each pixel's segment among those kept, and the indices of these.

    Segments count with those merged into them in the first round alone, as in the official code.
    """
    kept = list(range(logits.shape[-1]))
    winner = np.zeros(logits.shape[:2], np.int64)
    if kept:
        winner = np.array(merged_into)[logits.argmax(-1)]
    while kept:
        areas = np.bincount(winner.ravel(), minlength=len(kept))
        large = [i for i, area in zip(kept, areas.tolist()) if area >= min_area]
        if len(large) == len(kept):
            break
        kept = large
        if kept:
            winner = logits[..., kept].argmax(-1)
    return winner, kept


def _at_input(mask_logits: NDArray[Any], size: OutputSize) -> NDArray[np.float32]:
    """``(N, h, w)`` -> ``(*size.image, N)``: bilinear to the input, without padding."""
    first = size._replace(output=size.image)
    return RowResizer(pixels_first(mask_logits), first).resize(0, size.image[0])


def nearest_by_center(source: int, target: int) -> NDArray[np.int64]:
    """Which of ``source`` positions contains the center of each of ``target``, as Pillow resizes.

    Example:
        >>> nearest_by_center(4, 2).tolist()
        [1, 3]
    """
    step = source / target
    centers = np.cumsum([step * 0.5, *[step] * (target - 1)])  # summed, with the rounding that Pillow has
    return centers.astype(np.int64).clip(max=source - 1)


def nearest(source: int, target: int) -> NDArray[np.int64]:
    """Which of ``source`` positions PyTorch takes for each of ``target`` in nearest resizing."""
    step = np.float32(source / target)
    return np.minimum((np.arange(target, dtype=np.float32) * step).astype(np.int64), source - 1)
