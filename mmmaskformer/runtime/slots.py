"""MaX-DeepLab's panoptic inference in NumPy: slots share every pixel by a softmax.

The functions are those of `mmmaskformer.functional.max_deeplab_inference` without PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import log_sigmoid, softmax
from .postprocess import PanopticSegments, Prediction, number_segments, pixels_first
from .resizing import OutputSize, RowResizer, bands


def max_deeplab_segments(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.7,
    pixel_thr: float = 0.4,
) -> PanopticSegments:
    """Each pixel goes to its most probable slot, if slot and pixel are sure enough (paper, section 3.1).

    Args:
        prediction: Of one image; masks are log-odds of the slots.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Slots of no-object, or whose class is less probable than this, leave their pixels void.
        pixel_thr: Pixels whose slot is no more probable than this are void.
    """
    winner, best, total = best_slots(log_sigmoid(prediction.mask_logits), size)
    probabilities = softmax(prediction.class_logits)
    labels, scores = probabilities.argmax(-1), probabilities.max(-1)
    winner = np.where(np.exp(best - total) > np.float32(pixel_thr), winner, len(scores))
    areas = np.bincount(winner.ravel(), minlength=len(scores) + 1)
    kept = np.flatnonzero((labels < len(is_thing)) & (scores >= np.float32(score_thr)))
    rows = (labels[kept], scores[kept], areas[kept], areas[kept])
    ids, info = number_segments(list(zip(*(row.tolist() for row in rows))), is_thing, overlap_thr=0.0)
    id_of_slot = np.zeros(len(scores) + 1, np.int32)
    id_of_slot[kept] = ids
    return PanopticSegments(id_of_slot[winner], info)


def dual_path_segments(
    prediction: Prediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.7,
    pixel_thr: float = 0.4,
    thing_area: int = 100,
    stuff_area: int = 1600,
) -> PanopticSegments:
    """As deeplab2: sure slots share the pixels, unless another slot is more probable there.

    Args:
        prediction: Of one image; masks are log-odds of the slots.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Slots whose best class is less probable than this leave their pixels void.
        pixel_thr: Pixels whose slot is no more probable among the sure ones than this are void.
        thing_area: Things of fewer pixels of the network's input are left out.
        stuff_area: Stuff classes of fewer pixels of the network's input are left out.
    """
    probabilities = softmax(prediction.class_logits)[:, : len(is_thing)]
    labels, scores = probabilities.argmax(-1), probabilities.max(-1)
    sure = scores >= np.float32(score_thr)
    kept = np.flatnonzero(sure)
    if not len(kept):
        return PanopticSegments(np.zeros(size.output, np.int32), [])
    log_prob = log_sigmoid(prediction.mask_logits)
    winner, best, total = best_slots(log_prob[kept], size)
    confident = np.exp(best - total) > np.float32(pixel_thr)
    if not sure.all():
        confident &= best >= best_slots(log_prob[~sure], size)[1]
    winner = np.where(confident, winner, len(kept))
    area = np.bincount(winner.ravel(), minlength=len(kept) + 1)[:-1].astype(np.float64)
    area *= size.image[0] * size.image[1] / (size.output[0] * size.output[1])  # at the input's size
    rows = zip(labels[kept].tolist(), scores[kept].tolist(), area.tolist())
    limits = stuff_area, thing_area
    ids, info = number_segments(large_enough(list(rows), is_thing, limits), is_thing, overlap_thr=0.0)
    return PanopticSegments(np.array([*ids, 0], np.int32)[winner], info)


def best_slots(log_prob: NDArray[Any], size: OutputSize) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of slots ``(N, h, w)``, at each pixel: the index of the best, its logit, and the sum as a logit."""
    winner = np.empty(size.output, np.int64)
    best, total = np.empty(size.output, np.float32), np.empty(size.output, np.float32)
    rows = RowResizer(pixels_first(log_prob), size)
    for start, stop in bands(size.output[0], len(log_prob) * size.output[1]):
        logits = rows.resize(start, stop)
        winner[start:stop] = logits.argmax(-1)
        highest = best[start:stop] = logits.max(-1)
        total[start:stop] = highest + np.log(np.exp(logits - highest[..., None]).sum(-1))
    return winner, best, total


def large_enough(
    slots: Sequence[Sequence[float]], is_thing: Sequence[bool], limits: tuple[int, int]
) -> list[tuple[float, float, float, float]]:
    """(class, score, area) of each slot -> with the area again, 0 where thing or stuff class is too small."""
    of_class = [0.0] * len(is_thing)
    for number, _, area in slots:
        of_class[int(number)] += area
    areas = [area if is_thing[int(number)] else of_class[int(number)] for number, _, area in slots]
    return [
        (number, score, area, area if whole >= limits[is_thing[int(number)]] else 0.0)
        for (number, score, area), whole in zip(slots, areas)
    ]
