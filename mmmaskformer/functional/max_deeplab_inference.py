"""MaX-DeepLab (Wang et al., CVPR 2021): N mask slots share every pixel by a softmax; panoptic inference.

Masks are log-odds of the slots' softmax (:func:`slot_log_odds`), so their sigmoid is the probability that a
pixel belongs to the slot. A mask logit thus means here what it means everywhere else, and dice, matching and
semantic inference are the functions that MaskFormer uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..runtime.slots import large_enough
from ..structures import MaskPrediction
from .devices import count_values, to_device
from .host_steps import InSteps, Steps
from .postprocess import PanopticSegments, number_segments
from .resizing import OutputSize, masks_at_once, resize_masks


def slot_log_odds(mask_logits: Tensor) -> Tensor:
    """log(p / (1 - p)) of the softmax p over slots; accurate at any confidence, without 1 - p of p near 1.

    Args:
        mask_logits: ``(..., N, h, w)``, N >= 2 slots.
    """
    log_prob = mask_logits.log_softmax(-3)
    best = log_prob.argmax(-3, keepdim=True)
    log_prob_of_rest = log_prob.scatter(-3, best, -torch.inf)  # these have p <= 1/2
    log_odds = log_prob - torch.log1p(-log_prob_of_rest.exp())
    return log_odds.scatter_add(-3, best, -log_prob_of_rest.logsumexp(-3, keepdim=True))


@InSteps
def max_deeplab_segments(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.7,
    pixel_thr: float = 0.4,
) -> Steps[PanopticSegments]:
    """Each pixel goes to its most probable slot, if slot and pixel are sure enough (paper, section 3.1).

    Masks are upsampled before the softmax, a few at a time. deeplab2 takes the confidence of a pixel from a
    softmax over the slots that are kept, and also drops small segments.

    Args:
        prediction: Of one image: class logits ``(N, K + 1)`` and log-odds of the slots ``(N, h, w)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Slots of no-object, or whose class is less probable than this, leave their pixels void.
        pixel_thr: Pixels whose slot is no more probable than this are void.
    """
    winner, confidence = _best_slots(prediction.mask_logits, size)
    scores, labels = prediction.class_logits.float().softmax(-1).max(-1)
    winner = torch.where(confidence > pixel_thr, winner, len(scores))  # one more slot, of void
    labels, scores, areas = yield labels, scores, count_values(winner, len(scores) + 1)
    (kept,) = torch.where((labels < len(is_thing)) & (scores >= score_thr))
    rows = (labels[kept], scores[kept], areas[kept], areas[kept])
    ids, segments_info = number_segments(
        list(zip(*(row.tolist() for row in rows))), is_thing, overlap_thr=0.0
    )
    id_of_slot = torch.zeros(len(scores) + 1, dtype=torch.int32)
    id_of_slot[kept] = torch.tensor(ids, dtype=torch.int32)
    return PanopticSegments(to_device(id_of_slot, winner.device)[winner], segments_info)


def _best_slots(mask_log_odds: Tensor, size: OutputSize) -> tuple[Tensor, Tensor]:
    """Most probable slot of each output pixel and its probability, ``(H, W)`` each."""
    log_prob = F.logsigmoid(mask_log_odds.float())
    winner, best, total = _best_of(log_prob, torch.arange(len(log_prob), device=log_prob.device), size)
    return winner, (best - total).exp()


def _best_of(log_prob: Tensor, slots: Tensor, size: OutputSize) -> tuple[Tensor, Tensor, Tensor]:
    """Of some slots, at each output pixel: the index of the best, its logit, and the sum as a logit.

    Log-probabilities are logits but for a constant per pixel, which a softmax after upsampling does not see.
    """
    best = log_prob.new_full(size.output, -torch.inf)
    total, winner = best, torch.zeros_like(best, dtype=torch.int64)
    for masks in masks_at_once(len(slots), size, log_prob.device):
        part = resize_masks(log_prob[slots[masks]], size)
        value, index = part.max(0)
        winner = torch.where(value > best, index + masks.start, winner)
        best, total = torch.maximum(best, value), torch.logaddexp(total, part.logsumexp(0))
    return winner, best, total


def dual_path_segments(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.7,
    pixel_thr: float = 0.4,
    thing_area: int = 100,
    stuff_area: int = 1600,
) -> PanopticSegments:
    """As deeplab2: sure slots share the pixels, unless another slot is more probable there.

    Args:
        prediction: Of one image: class logits ``(N, K + 1)`` and log-odds of the slots ``(N, h, w)``.
        size: Sizes of input, image and output.
        is_thing: Whether each of the K classes is a thing; segments of one stuff class are merged.
        score_thr: Slots whose best class is less probable than this leave their pixels void.
        pixel_thr: Pixels whose slot is no more probable among the sure ones than this are void.
        thing_area: Things of fewer pixels of the network's input are left out.
        stuff_area: Stuff classes of fewer pixels of the network's input are left out.
    """
    scores, labels = prediction.class_logits.float().softmax(-1)[:, : len(is_thing)].max(-1)
    (kept,) = torch.where(scores >= score_thr)
    if not len(kept):
        void = torch.zeros(size.output, dtype=torch.int32, device=scores.device)
        return PanopticSegments(void, [])
    (unsure,) = torch.where(scores < score_thr)
    log_prob = F.logsigmoid(prediction.mask_logits.float())
    winner, best, total = _best_of(log_prob, kept, size)
    confident = (best - total).exp() > pixel_thr
    if len(unsure):
        confident &= best >= _best_of(log_prob, unsure, size)[1]
    winner = torch.where(confident, winner, len(kept))
    area = winner.flatten().bincount(minlength=len(kept) + 1)[:-1].double()
    area *= size.image[0] * size.image[1] / (size.output[0] * size.output[1])  # at the input's size
    numbers = torch.stack([labels[kept].double(), scores[kept].double(), area], 1).tolist()
    limits = stuff_area, thing_area
    ids, segments_info = number_segments(large_enough(numbers, is_thing, limits), is_thing, overlap_thr=0.0)
    id_of_slot = torch.tensor([*ids, 0], dtype=torch.int32, device=winner.device)
    return PanopticSegments(id_of_slot[winner], segments_info)
