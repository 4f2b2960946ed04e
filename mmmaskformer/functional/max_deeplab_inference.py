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
    """Most probable slot of each output pixel and its probability, ``(H, W)`` each.

    Log-probabilities are logits but for a constant per pixel, which a softmax after upsampling does not see.
    """
    log_prob = F.logsigmoid(mask_log_odds.float())
    best = log_prob.new_full(size.output, -torch.inf)
    total, winner = best, torch.zeros_like(best, dtype=torch.int64)
    for masks in masks_at_once(len(log_prob), size, log_prob.device):
        part = resize_masks(log_prob[masks], size)
        value, index = part.max(0)
        winner = torch.where(value > best, index + masks.start, winner)
        best, total = torch.maximum(best, value), torch.logaddexp(total, part.logsumexp(0))
    return winner, (best - total).exp()
