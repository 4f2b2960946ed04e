"""DETR's inference (Carion et al., ECCV 2020): instances with boxes, and panoptic segments by argmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..runtime.detr import first_of_stuff
from ..structures import BoxedMaskPrediction, MaskPrediction
from .boxes import corners
from .devices import count_values, to_device
from .host_steps import InSteps, Steps, indices_of
from .matching import nearest_resize_masks
from .postprocess import InstancePairs, Instances, PanopticSegments, panoptic_queries
from .resizing import OutputSize, masks_at_once, resize


@InSteps
def detr_segments(
    prediction: MaskPrediction | BoxedMaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.85,
    min_area: int = 5,
) -> Steps[PanopticSegments]:
    """Each pixel goes to the query whose mask logit is highest, whatever its class (section 4.2).

    Stuff of one class is merged. Segments that are too small are left out, and the pixels divided anew among
    the others, until none is too small. Every pixel belongs to a segment unless no query is kept. Pixels are
    those of the network's input, resized to the output by taking the nearest one.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        min_area: Segments of fewer pixels of the output are left out.
    """
    device = prediction.mask_logits.device
    best, classes = prediction.class_logits.float().softmax(-1).max(-1)
    sure = panoptic_queries(prediction.class_logits, len(is_thing), score_thr)
    flags, classes, best = yield sure, classes, best
    (queries,) = indices_of([flags], device)
    labels, scores = classes[flags].tolist(), best[flags].tolist()
    first = first_of_stuff(labels, is_thing)
    logits = _nearest_logits(prediction.mask_logits[queries], size)
    winner, kept = yield from _divide(logits, first, min_area)
    if not kept:
        return PanopticSegments(torch.zeros(size.output, dtype=torch.int32, device=device), [])
    info = [
        dict(id=i, category_id=labels[one], isthing=bool(is_thing[labels[one]]), score=scores[one])
        for i, one in enumerate(kept, start=1)
    ]
    return PanopticSegments((winner + 1).int(), info)


def _divide(logits: Tensor, merged_into: Sequence[int], min_area: int) -> Steps[tuple[Tensor, list[int]]]:
    """Index of each pixel's segment among those kept, and the indices of these.

    Segments that others are merged into count with them, but only in the first round, as in the official
    code: those merged away have no pixels then and are left out, and theirs go to any that remains.
    """
    kept = list(range(len(logits)))
    winner = logits.argmax(0) if kept else logits.new_zeros(logits.shape[1:], dtype=torch.int64)
    if kept:
        winner = to_device(torch.tensor(merged_into), logits.device)[winner]
    while kept:
        (areas,) = yield (count_values(winner, len(kept)),)
        large = [i for i, area in zip(kept, areas.tolist()) if area >= min_area]
        if len(large) == len(kept):
            break
        kept = large
        if kept:
            winner = logits[to_device(torch.tensor(kept), logits.device)].argmax(0)
    return winner, kept


def _nearest_logits(mask_logits: Tensor, size: OutputSize) -> Tensor:
    """``(N, h, w)`` -> ``(N, *size.output)``: bilinear to the input, and of the image the nearest pixels."""
    rows, columns = (
        to_device(nearest_by_center(*sides), mask_logits.device) for sides in zip(size.image, size.output)
    )
    found = mask_logits.new_empty((len(mask_logits), *size.output), dtype=torch.float32)
    for part in masks_at_once(len(mask_logits), size, mask_logits.device):
        masks = resize(mask_logits[None, part].float(), size.padded)[0]
        found[part] = masks[:, rows][:, :, columns]
    return found


def nearest_by_center(source: int, target: int) -> Tensor:
    """Which of ``source`` positions contains the center of each of ``target``, as Pillow resizes.

    Example:
        >>> nearest_by_center(4, 2)
        tensor([1, 3])
    """
    step = source / target
    centers = np.cumsum([step * 0.5, *[step] * (target - 1)])  # summed, with the rounding that Pillow has
    return torch.from_numpy(centers.astype(np.int64)).clamp_(max=source - 1)


def detr_instance_queries(
    class_logits: Tensor, is_thing: Sequence[bool], score_thr: float = 0.0, max_per_image: int = 100
) -> InstancePairs:
    """The queries with their best class, best first; those whose class is a thing are kept.

    Args:
        class_logits: ``(..., Q, K + 1)``.
        is_thing: See :func:`detr_instances`.
        score_thr: See :func:`detr_instances`.
        max_per_image: See :func:`detr_instances`.
    """
    scores, labels = class_logits.float().softmax(-1)[..., : len(is_thing)].max(-1)
    scores, order = scores.sort(dim=-1, descending=True, stable=True)
    labels = labels.gather(-1, order)
    kept = to_device(torch.tensor(is_thing), labels.device)[labels] & (scores > score_thr)
    return InstancePairs(scores, order, labels, kept & (kept.cumsum(-1) <= max_per_image))


@InSteps
def detr_instances(
    prediction: BoxedMaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.0,
    max_per_image: int = 100,
) -> Steps[Instances]:
    """Every query is an object of its best class, which is not no-object, with its own box and mask.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)``, mask logits ``(Q, h, w)``, boxes ``(Q, 4)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; objects of the other classes are left out.
        score_thr: Objects whose class is not more probable than this are left out.
        max_per_image: At most so many are kept.

    Returns:
        Masks have no pixels if the model predicts boxes alone.
    """
    pairs = detr_instance_queries(prediction.class_logits, is_thing, score_thr, max_per_image)
    flags = yield (pairs.kept,)
    (chosen,) = indices_of(flags, pairs.kept.device)
    scores, queries, labels = pairs.scores[chosen], pairs.queries[chosen], pairs.labels[chosen]
    height, width = size.output
    boxes = corners(prediction.boxes[queries].float())
    boxes = boxes * to_device(torch.tensor([width, height] * 2, dtype=boxes.dtype), boxes.device)
    return Instances(labels, scores, _binary_masks(prediction.mask_logits[queries], size), boxes)


def _binary_masks(mask_logits: Tensor, size: OutputSize) -> Tensor:
    """``(N, *size.output)`` bool: probability above one half at the input's size, nearest pixels of that."""
    masks = torch.zeros((len(mask_logits), *size.output), dtype=torch.bool, device=mask_logits.device)
    if not mask_logits.numel():
        return masks
    height, width = size.image
    for part in masks_at_once(len(mask_logits), size, mask_logits.device):
        found = resize(mask_logits[None, part].float(), size.padded)[0] > 0
        masks[part] = nearest_resize_masks(found[:, :height, :width], size.output)
    return masks
