"""Semantic inference: scores, and label maps without ever holding the scores of a whole picture."""

from __future__ import annotations

import torch
from torch import Tensor

from ..structures import MaskPrediction
from .resizing import (
    OutputSize,
    bands,
    output_rows,
    picture_rows,
    resize,
    resize_band,
    resize_masks,
    source_rows,
)


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
        masks = resize(prediction.mask_logits.float(), size)
        return _combine(_class_prob(prediction.class_logits), masks)


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
        return _combine(_class_prob(prediction.class_logits), masks)


def semantic_labels(scores: Tensor) -> Tensor:
    """``(K, H, W)`` scores -> ``(1, H, W)`` int64: the best class; of one class, whether it is > 0.5."""
    return best_index(scores)[None] if len(scores) > 1 else (scores > 0.5).long()


def semantic_label_map(prediction: MaskPrediction, size: OutputSize, before: bool = False) -> Tensor:
    """`semantic_labels` of the scores at the original size, a band of rows at a time.

    Neither Q nor K maps of full size ever exist. Labels equal those from all scores but where the two best
    classes are equal to rounding.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, picture and output.
        before: Resize mask logits to the original size before they are combined, not the scores after.

    Returns:
        ``(1, *size.output)`` int64.
    """
    height, width = size.output
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        class_prob = _class_prob(prediction.class_logits)
        labels = torch.empty((1, height, width), dtype=torch.int64, device=class_prob.device)
        wide = max(width, size.image[0] * size.image[1] // height)  # pixels of the picture in a row of output
        for start, stop in bands(height, wide * max(class_prob.shape), class_prob.device):
            if before:
                scores = _combine(class_prob, output_rows(prediction.mask_logits, size, start, stop))
            else:
                first, last = source_rows(size, start, stop)
                masks = picture_rows(prediction.mask_logits, size, first, last)
                scores = resize_band(_combine(class_prob, masks), size, start, stop, first)
            labels[:, start:stop] = semantic_labels(scores)
    return labels


def best_index(maps: Tensor) -> Tensor:
    """``maps.argmax(0)`` of floating-point ``(C, ...)`` maps: int64, the first of equal ones.

    PyTorch's argmax over the first dimension does not use vector instructions on a CPU; this does, in a
    twentieth of the time.
    """
    if maps.device.type != 'cpu' or not len(maps):
        return maps.argmax(0)
    highest_first = torch.arange(len(maps), 0, -1, dtype=maps.dtype).view(-1, *[1] * (maps.dim() - 1))
    hits = torch.eq(maps, maps.amax(0), out=torch.empty_like(maps))
    return len(maps) - hits.mul_(highest_first).amax(0).long().clamp_(min=1)


def _class_prob(class_logits: Tensor) -> Tensor:
    return class_logits.float().softmax(-1)[..., :-1]


def _combine(class_prob: Tensor, masks: Tensor) -> Tensor:
    """Semantic scores from ``(..., Q, K)`` probabilities and ``(..., Q, H, W)`` mask logits, overwritten."""
    masks = masks.sigmoid() if masks.requires_grad else masks.sigmoid_()
    return (class_prob.mT @ masks.flatten(-2)).unflatten(-1, masks.shape[-2:])
