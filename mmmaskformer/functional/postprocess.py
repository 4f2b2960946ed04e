"""Panoptic and instance inference: pure functions of one prediction and their thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..runtime.postprocess import number_segments
from ..structures import MaskPrediction
from .devices import count_values, to_device
from .host_steps import InSteps, Steps, indices_of
from .resizing import OutputSize, RowResizer, bands, masks_at_once, resize_masks


class PanopticSegments(NamedTuple):
    """Segments that do not overlap.

    Attributes:
        ids: ``(H, W)`` int32: 0 where there is no segment, else an id of ``segments_info``.
        segments_info: ``id`` (1, 2, ... in the order of the queries), ``category_id`` (index of the class),
            ``isthing`` and ``score`` (probability of the class) of each segment.
    """

    ids: Tensor
    segments_info: list[dict]


class Instances(NamedTuple):
    """Objects, which may overlap, best first.

    Attributes:
        labels: ``(N,)`` int64 classes.
        scores: ``(N,)`` float32.
        masks: ``(N, H, W)`` bool.
        bboxes: ``(N, 4)`` float32 (left, top, right, bottom) around the masks, zero for an empty one.
    """

    labels: Tensor
    scores: Tensor
    masks: Tensor
    bboxes: Tensor


@InSteps
def panoptic_segments(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.8,
    overlap_thr: float = 0.8,
    mask_thr: float = 0.0,
) -> Steps[PanopticSegments]:
    """Each pixel goes to the query whose p(class) * p(pixel in mask) is highest (paper, section 3.4).

    Queries are filtered before their masks are resized, which is done a band of rows at a time. A GPU is
    waited for twice, whatever the number of segments.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: A segment that keeps less than this part of its mask's area is left out.
        mask_thr: Pixels that are less probably in the mask of their query are void: 0.5 in Mask2Former.
    """
    device = prediction.mask_logits.device
    scores, labels = prediction.class_logits.float().softmax(-1).max(-1)
    flags, host_labels, host_scores = yield _sure(labels, scores, len(is_thing), score_thr), labels, scores
    (queries,) = indices_of([flags], device)
    if not len(queries):
        return PanopticSegments(torch.zeros(size.output, dtype=torch.int32, device=device), [])
    winner, areas = compete(prediction.mask_logits[queries], scores[queries], size, mask_thr)
    areas, counts = yield areas, count_values(winner, 2 * len(queries))
    kept, void = counts.view(2, -1)
    won = torch.where(kept > 0, kept + void, 0)
    rows = (host_labels[flags], host_scores[flags], areas, won)
    ids, segments_info = number_segments(list(zip(*(row.tolist() for row in rows))), is_thing, overlap_thr)
    id_of = to_device(torch.tensor([*ids, *[0] * len(ids)], dtype=torch.int32), device)
    return PanopticSegments(id_of.index_select(0, winner.flatten()).view(size.output), segments_info)


def panoptic_queries(class_logits: Tensor, num_classes: int, score_thr: float) -> Tensor:
    """Whether ``(..., Q, K + 1)`` queries are a class, more probable than ``score_thr``, not no-object."""
    scores, labels = class_logits.float().softmax(-1).max(-1)
    return _sure(labels, scores, num_classes, score_thr)


def _sure(labels: Tensor, scores: Tensor, num_classes: int, score_thr: float) -> Tensor:
    return (labels < num_classes) & (scores > score_thr)


@torch.no_grad()
def compete(
    mask_logits: Tensor, scores: Tensor, size: OutputSize, mask_thr: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Give each pixel to the query whose score * p(pixel in mask) is highest.

    Args:
        mask_logits: ``(N, h, w)``.
        scores: ``(N,)``.
        size: Sizes of input, image and output.
        mask_thr: Where the probability of the pixel is below this, the index of the query is N higher.

    Returns:
        ``(*size.output)`` int32 index of each pixel's query; ``(N,)`` int64 areas of the masks, p >= 0.5.
    """
    height, width = size.output
    winner = torch.empty(size.output, dtype=torch.int32, device=scores.device)
    areas = torch.zeros(len(scores), dtype=torch.int64, device=scores.device)
    pixels = mask_logits.float().permute(1, 2, 0)
    rows = RowResizer(len(pixels), size)
    for start, stop in bands(height, len(scores) * width, scores.device):
        masks = rows.resize(pixels[slice(*rows.sources(start, stop))].contiguous(), start, stop).sigmoid_()
        areas += torch.ge(masks, 0.5, out=torch.empty_like(masks)).flatten(0, 1).sum(0).long()
        unsure = masks < mask_thr if mask_thr > 0 else None
        best = masks.mul_(scores).max(-1).indices
        if unsure is not None:
            best += unsure.gather(-1, best[..., None])[..., 0] * len(scores)
        winner[start:stop] = best
    return winner, areas


@InSteps
def instances(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
    stuff_competes: bool = False,
) -> Steps[Instances]:
    """The best pairs of a query and a thing class; a query may give several classes.

    The score is p(class) times the mean probability of the mask's pixels, as in Mask2Former.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing.
        score_thr: Pairs whose p(class) is not above this are left out.
        max_per_image: At most so many pairs are kept.
        stuff_competes: Pairs with stuff classes take some of these places, and are left out then, as in
            Mask2Former's panoptic models.
    """
    pairs = instance_pairs(prediction.class_logits, is_thing, score_thr, max_per_image, stuff_competes)
    flags, queries = yield pairs.kept, pairs.queries
    resized, row_of_pair = queries[flags].unique(return_inverse=True)
    columns = torch.cat([resized, row_of_pair, flags.nonzero().flatten()])
    sizes = [len(resized), len(row_of_pair), len(row_of_pair)]
    resized, row_of_pair, chosen = to_device(columns, pairs.kept.device).split(sizes)
    masks, confidences, boxes = _binary_masks(prediction.mask_logits[resized], size)
    scores = pairs.scores[chosen] * confidences[row_of_pair]
    order = scores.argsort(descending=True, stable=True)
    rows = row_of_pair[order]
    return Instances(pairs.labels[chosen[order]], scores[order], masks[rows], boxes[rows])


class InstancePairs(NamedTuple):
    """The most probable pairs of a query and a class, ``(..., N)`` each.

    Attributes:
        scores: Probabilities of the classes.
        queries: int64.
        labels: int64.
        kept: Whether the pair is above the threshold, and its class a thing.
    """

    scores: Tensor
    queries: Tensor
    labels: Tensor
    kept: Tensor

    def of_queries(self, num_queries: int) -> Tensor:
        """``(..., Q)`` bool: whether a query has a pair that is kept."""
        numbers = torch.arange(num_queries, device=self.queries.device)
        return ((self.queries[..., None, :] == numbers[:, None]) & self.kept[..., None, :]).any(-1)


def instance_pairs(
    class_logits: Tensor,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
    stuff_competes: bool = False,
) -> InstancePairs:
    """The most probable pairs of a query and a thing class.

    Args:
        class_logits: ``(..., Q, K + 1)``.
        is_thing: See :func:`instances`.
        score_thr: See :func:`instances`.
        max_per_image: See :func:`instances`.
        stuff_competes: See :func:`instances`.
    """
    probabilities = class_logits.float().softmax(-1)[..., : len(is_thing)]
    things = to_device(torch.tensor(is_thing), probabilities.device)
    candidates = (probabilities if stuff_competes else probabilities.masked_fill(~things, -1.0)).flatten(-2)
    class_scores, pairs = candidates.topk(min(max_per_image, candidates.shape[-1]))
    labels = pairs % len(is_thing)
    kept = (class_scores > max(score_thr, 0.0)) & things[labels]
    return InstancePairs(class_scores, pairs // len(is_thing), labels, kept)


def _binary_masks(mask_logits: Tensor, size: OutputSize) -> tuple[Tensor, Tensor, Tensor]:
    """Masks at the output's size, the mean probability of their pixels, and their boxes; some at a time."""
    masks = torch.empty((len(mask_logits), *size.output), dtype=torch.bool, device=mask_logits.device)
    confidences = torch.zeros(len(mask_logits), device=mask_logits.device)
    for part in masks_at_once(len(mask_logits), size, mask_logits.device):
        logits = resize_masks(mask_logits[part], size)
        covered = torch.gt(logits, 0, out=torch.empty_like(logits))
        masks[part] = covered
        inside = logits.sigmoid().mul_(covered).flatten(1).sum(1)
        confidences[part] = inside / covered.flatten(1).sum(1).clamp(min=1)
    return masks, confidences, boxes_of(masks)


def boxes_of(masks: Tensor) -> Tensor:
    """``(N, H, W)`` bool masks -> ``(N, 4)`` float32 (left, top, right, bottom), zero for an empty mask."""
    sides = []
    for occupied in (masks.any(1), masks.any(2)):  # columns, rows
        line = occupied.to(torch.uint8)
        first = line.argmax(1)
        end = line.shape[1] - line.flip(1).argmax(1)
        sides.append(torch.stack([first, end], 1) * occupied.any(1)[:, None])
    return torch.stack(sides, 2).flatten(1).float()
