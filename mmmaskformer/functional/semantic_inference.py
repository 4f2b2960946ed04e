"""Semantic inference: scores of classes, and label maps from them or from single queries."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction
from .devices import count_values, to_device
from .fast_paths import fast_path, recording
from .host_steps import InSteps, Steps, indices_of
from .postprocess import compete, panoptic_queries
from .resizing import OutputSize, resize, resize_masks, resize_scores


def semantic_scores(
    prediction: MaskPrediction, size: tuple[int, int], mask_stride: int | None = None
) -> Tensor:
    """Semantic scores: sum over queries of p(class) * p(pixel in mask).

    Mask logits are upsampled bilinearly to ``size`` first. No-object is dropped, so the scores of a pixel do
    not sum to one. Paper, section 3.4 (semantic inference).

    Args:
        prediction: Class logits ``(B, Q, K + 1)`` and mask logits ``(B, Q, h, w)``.
        size: Height and width of the scores, those of the padded input.
        mask_stride: See `OutputSize`.

    Returns:
        ``(B, K, H, W)`` float32 scores.
    """
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        masks = resize(prediction.mask_logits.float(), size, mask_stride)
        return _combine(class_probabilities(prediction.class_logits), masks)


def image_scores(prediction: MaskPrediction, size: OutputSize, before: bool = False) -> Tensor:
    """Semantic scores of one image at its original size.

    Args:
        prediction: Class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        before: Resize mask logits to the original size before they are combined, not the scores after.

    Returns:
        ``(K, H, W)`` float32 scores.
    """
    if not before:
        batch = MaskPrediction(prediction.class_logits[None], prediction.mask_logits[None])
        return resize_scores(semantic_scores(batch, size.padded, size.mask_stride)[0], size)
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        masks = resize_masks(prediction.mask_logits, size)
        return _combine(class_probabilities(prediction.class_logits), masks)


def semantic_labels(scores: Tensor, void: int = 255) -> Tensor:
    """``(K, H, W)`` scores -> ``(1, H, W)`` int64: the class of the highest score.

    A single class has no rival: its label is 0 where the score is above 0.5, and ``void`` elsewhere.
    """
    return best_index(scores)[None] if len(scores) > 1 else found_or_void(scores, void)


def add_rest(scores: Tensor) -> Tensor:
    """``(B, 1, H, W)`` scores of a single class, and one minus them -> ``(B, 2, H, W)``.

    The second channel is a rival for code that takes the highest score: label 1 then means that nothing was
    found. Scores of several classes are returned as they are.
    """
    return torch.cat([scores, 1 - scores], dim=1) if scores.shape[1] == 1 else scores


@InSteps
def general_semantic_labels(
    prediction: MaskPrediction,
    size: OutputSize,
    score_thr: float = 0.0,
    overlap_thr: float = 0.0,
    void: int = 255,
) -> Steps[Tensor]:
    """The class of the query whose p(class) * p(pixel in mask) is highest.

    Queries compete alone, where semantic inference sums over the queries of a class. With both thresholds at
    zero only queries of no-object are left out, and every pixel has a class if there is any other query. A
    single class must be more probable than 0.5, as in semantic inference.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: If above zero, a query that wins less than this part of its mask's area, or has no mask,
            leaves its pixels void, as in panoptic inference.
        void: Label of pixels without a class.

    Returns:
        ``(1, *size.output)`` int64 labels.
    """
    num_classes = prediction.class_logits.shape[-1] - 1
    scores, labels = prediction.class_logits.float().softmax(-1).max(-1)
    flags = yield (panoptic_queries(prediction.class_logits, num_classes, score_thr),)
    (queries,) = indices_of(flags, labels.device)
    if not len(queries):
        return torch.full((1, *size.output), void, device=labels.device)
    masks, scores, classes = prediction.mask_logits[queries], scores[queries], labels[queries]
    if num_classes == 1:  # its rival is void, with a score of 0.5 in every pixel
        masks = torch.cat([torch.full_like(masks[:1], 100), masks])
        scores, classes = F.pad(scores, (1, 0), value=0.5), F.pad(classes, (1, 0), value=void)
    winner, areas = compete(masks, scores, size)
    if overlap_thr > 0:
        areas, won = yield areas, count_values(winner, len(classes))
        lost = [not area or pixels / area < overlap_thr for area, pixels in zip(areas.tolist(), won.tolist())]
        classes = classes.masked_fill(to_device(torch.tensor(lost), classes.device), void)
    return classes[winner[None]]


def best_index(maps: Tensor) -> Tensor:
    """``maps.argmax(0)`` of floating-point ``(C, ...)`` maps: int64, the first of equal ones.

    PyTorch's argmax over the first dimension does not use vector instructions on a CPU; this does, in a
    twentieth of the time.
    """
    if maps.device.type != 'cpu' or not len(maps) or not fast_path('vectorized_argmax'):
        return maps.argmax(0)
    highest_first = torch.arange(len(maps), 0, -1, dtype=maps.dtype).view(-1, *[1] * (maps.dim() - 1))
    hits = torch.eq(maps, maps.amax(0), out=torch.empty_like(maps))
    return len(maps) - hits.mul_(highest_first).amax(0).long().clamp_(min=1)


def found_or_void(scores: Tensor, void: int) -> Tensor:
    """Labels int64 of a single class from its scores."""
    return torch.where(scores > 0.5, 0, void)


def class_probabilities(class_logits: Tensor) -> Tensor:
    """``(..., K + 1)`` logits -> ``(..., K)`` float32 probabilities, without no-object."""
    return class_logits.float().softmax(-1)[..., :-1]


def _combine(class_prob: Tensor, masks: Tensor) -> Tensor:
    """Semantic scores from ``(..., Q, K)`` probabilities and ``(..., Q, H, W)`` mask logits, overwritten."""
    masks = masks.sigmoid() if masks.requires_grad or recording() else masks.sigmoid_()
    return (class_prob.mT @ masks.flatten(-2)).unflatten(-1, masks.shape[-2:])
