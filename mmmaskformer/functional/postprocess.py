"""Inference from one :class:`MaskPrediction`: pure functions of the prediction and their thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction

MASKS_AT_ONCE = 16


class OutputSize(NamedTuple):
    """How masks get from the network to the original image; (height, width) each.

    Attributes:
        padded: Size of the network's input, to which mask logits are upsampled first.
        image: Size of the picture in its upper left corner, without padding.
        output: Size of the original image.
    """

    padded: tuple[int, int]
    image: tuple[int, int]
    output: tuple[int, int]


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


def semantic_scores(prediction: MaskPrediction, size: tuple[int, int]) -> Tensor:
    """Semantic scores: sum over queries of p(class) * p(pixel in mask).

    Mask logits are upsampled bilinearly to ``size`` first. No-object is dropped, so the scores of a pixel do
    not sum to one. Paper, section 3.4 (semantic inference).

    Args:
        prediction: Class logits ``(B, Q, K + 1)`` and mask logits ``(B, Q, h, w)``.
        size: Height and width of the scores, those of the padded input.

    Returns:
        ``(B, K, H, W)`` float32 scores.
    """
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        masks = _resize(prediction.mask_logits.float(), size)
        return _combine(prediction.class_logits, masks)


def semantic_scores_at_output(prediction: MaskPrediction, size: OutputSize) -> Tensor:
    """Semantic scores from mask logits that are resized to the original image before they are combined.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, picture and output.

    Returns:
        ``(K, H, W)`` float32 scores.
    """
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        masks = resize_masks(prediction.mask_logits, size)
        return _combine(prediction.class_logits[None], masks[None])[0]


def semantic_labels(scores: Tensor) -> Tensor:
    """``(K, H, W)`` scores -> ``(1, H, W)`` int64: the best class; of one class, whether it is > 0.5."""
    return scores.argmax(0, keepdim=True) if len(scores) > 1 else (scores > 0.5).long()


def panoptic_segments(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.8,
    overlap_thr: float = 0.8,
) -> PanopticSegments:
    """Each pixel goes to the query whose p(class) * p(pixel in mask) is highest (paper, section 3.4).

    Queries are filtered before their masks are resized, and the host is visited twice, whatever their number.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, picture and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: A segment that keeps less than this part of its mask's area is left out.
    """
    scores, labels = prediction.class_logits.float().softmax(-1).max(-1)
    (queries,) = torch.where((labels < len(is_thing)) & (scores > score_thr))
    if not len(queries):
        return PanopticSegments(torch.zeros(size.output, dtype=torch.int32, device=scores.device), [])
    scores, labels = scores[queries], labels[queries]
    masks = resize_masks(prediction.mask_logits[queries], size).sigmoid_()
    areas = (masks >= 0.5).sum((1, 2))
    winner = masks.mul_(scores[:, None, None]).argmax(0)
    won = torch.bincount(winner.flatten(), minlength=len(queries))
    numbers = torch.stack([labels.double(), scores.double(), areas.double(), won.double()], 1).tolist()
    ids, segments_info = _number_segments(numbers, is_thing, overlap_thr)
    return PanopticSegments(torch.tensor(ids, dtype=torch.int32, device=winner.device)[winner], segments_info)


def _number_segments(
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
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
) -> Instances:
    """The best pairs of a query and a thing class; a query may give several classes.

    The score is p(class) times the mean probability of the mask's pixels, as in Mask2Former.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, picture and output.
        is_thing: Whether each of the K classes is a thing.
        score_thr: Pairs whose p(class) is not above this are left out.
        max_per_image: At most so many pairs are kept.
    """
    probabilities = prediction.class_logits.float().softmax(-1)[:, : len(is_thing)]
    things = torch.tensor(is_thing, device=probabilities.device)
    candidates = probabilities.masked_fill(~things, -1.0).flatten()
    class_scores, pairs = candidates.topk(min(max_per_image, len(candidates)))
    kept = class_scores > max(score_thr, 0.0)
    class_scores, pairs = class_scores[kept], pairs[kept]
    queries, labels = pairs // len(is_thing), pairs % len(is_thing)
    resized, row_of_pair = queries.unique(return_inverse=True)
    masks, confidences, boxes = _binary_masks(prediction.mask_logits[resized], size)
    scores = class_scores * confidences[row_of_pair]
    order = scores.argsort(descending=True, stable=True)
    rows = row_of_pair[order]
    return Instances(labels[order], scores[order], masks[rows], boxes[rows])


def _binary_masks(mask_logits: Tensor, size: OutputSize) -> tuple[Tensor, Tensor, Tensor]:
    """Masks at the output's size, the mean probability of their pixels, and their boxes; some at a time."""
    masks = torch.empty((len(mask_logits), *size.output), dtype=torch.bool, device=mask_logits.device)
    confidences = torch.zeros(len(mask_logits), device=mask_logits.device)
    for start in range(0, len(mask_logits), MASKS_AT_ONCE):
        part = slice(start, start + MASKS_AT_ONCE)
        logits = resize_masks(mask_logits[part], size)
        masks[part] = logits > 0
        inside = logits.sigmoid_().mul_(masks[part]).sum((1, 2))
        confidences[part] = inside / masks[part].sum((1, 2)).clamp(min=1)
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


def resize_masks(mask_logits: Tensor, size: OutputSize) -> Tensor:
    """``(Q, h, w)`` logits -> ``(Q, *size.output)`` float32: bilinear to the input, crop, bilinear again."""
    return resize_scores(_resize(mask_logits.float()[None], size.padded)[0], size)


def resize_scores(scores: Tensor, size: OutputSize) -> Tensor:
    """``(C, *size.padded)`` maps -> ``(C, *size.output)``: without padding, bilinear."""
    height, width = size.image
    return _resize(scores[None, :, :height, :width], size.output)[0]


def _resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(masks, size=size, mode='bilinear', align_corners=False)


def _combine(class_logits: Tensor, masks: Tensor) -> Tensor:
    """Semantic scores from class logits ``(B, Q, K + 1)`` and mask logits ``(B, Q, H, W)``, overwritten."""
    class_prob = class_logits.float().softmax(-1)[..., :-1]
    masks = masks.sigmoid() if masks.requires_grad else masks.sigmoid_()
    return torch.einsum('bqk,bqhw->bkhw', class_prob, masks)
