"""Semantic inference in NumPy, at the size of the original image, a band of rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import sigmoid, softmax
from .postprocess import Prediction, compete, pixels_first, sure_queries
from .resizing import OutputSize, RowResizer, bands, line_weights, resize_rows


def mask_labels(
    prediction: Prediction, size: OutputSize, void: int = 255, before: bool = False
) -> NDArray[Any]:
    """``(*size.output)`` int64 labels of the best sums over queries of p(class) * p(pixel in mask).

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        void: Label of pixels where a single class was not found.
        before: Resize mask logits to the original size before they are combined, not the scores after.
    """
    probabilities = softmax(prediction.class_logits)[:, :-1]
    pixels = pixels_first(prediction.mask_logits)
    first = size if before else size._replace(output=size.image)
    masks = RowResizer(pixels, first)
    return _labels(lambda start, stop: sigmoid(masks.resize(start, stop)) @ probabilities, first, size, void)


def per_pixel_labels(logits: NDArray[Any], size: OutputSize, void: int = 255) -> NDArray[Any]:
    """``(*size.output)`` int64 labels of class logits ``(K, h, w)``."""
    first = size._replace(output=size.image)
    return _labels(RowResizer(pixels_first(logits), first).resize, first, size, void)


def _labels(
    scores_of: Callable[[int, int], NDArray[Any]], first: OutputSize, size: OutputSize, void: int
) -> NDArray[Any]:
    """Labels of scores, which are given at ``first.output`` by rows and resized to ``size.output``."""
    rows, columns = (line_weights(*sides) for sides in zip(first.output, size.output))
    height, width = size.output
    labels = np.empty(size.output, np.int64)
    queries = 64
    for start, stop in bands(height, queries * max(width, first.output[0] * first.output[1] // height)):
        if first.output == size.output:
            scores = scores_of(start, stop)
        else:
            used = np.flatnonzero(rows[start:stop].any(0))
            begin, end = int(used[0]), int(used[-1]) + 1
            scores = resize_rows(scores_of(begin, end), rows[start:stop, begin:end], columns)
        labels[start:stop] = best_class(scores, void)
    return labels


def best_class(scores: NDArray[Any], void: int) -> NDArray[Any]:
    """``(..., K)`` scores -> ``(...)``: the first of the highest; a single class is 0 above 0.5, or void."""
    return scores.argmax(-1) if scores.shape[-1] > 1 else np.where(scores[..., 0] > 0.5, 0, void)


def general_labels(
    prediction: Prediction,
    size: OutputSize,
    void: int = 255,
    score_thr: float = 0.0,
    overlap_thr: float = 0.0,
) -> NDArray[Any]:
    """``(*size.output)`` int64: the class of the query whose p(class) * p(pixel in mask) is highest.

    Args:
        prediction: Of one image.
        size: Sizes of input, image and output.
        void: Label of pixels without a class.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: If above zero, a query that wins less than this part of its mask's area, or has no mask,
            leaves its pixels void, as in panoptic inference.
    """
    labels, scores, queries = sure_queries(prediction.class_logits, score_thr)
    if not len(queries):
        return np.full(size.output, void)
    masks, scores, classes = prediction.mask_logits[queries], scores[queries], labels[queries]
    if prediction.class_logits.shape[-1] == 2:  # its rival is void, with a score of 0.5 in every pixel
        masks = np.concatenate([np.full_like(masks[:1], 100), masks])
        scores, classes = np.insert(scores, 0, 0.5), np.insert(classes, 0, void)
    winner, areas = compete(masks, scores, size)
    if overlap_thr > 0:
        won = np.bincount(winner.ravel(), minlength=len(classes))
        lost = [not area or pixels / area < overlap_thr for area, pixels in zip(areas.tolist(), won.tolist())]
        classes = np.where(lost, void, classes)
    return classes[winner]
