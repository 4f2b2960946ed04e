"""MaX-DeepLab (Wang et al., CVPR 2021): N mask slots share every pixel by a softmax, and are trained as PQ.

Masks come as log-odds of the slots' softmax (:func:`slot_log_odds`), so their sigmoid is the probability that
a pixel belongs to the slot. A mask logit thus means here what it means everywhere else, and dice, matching
and semantic inference are the functions that MaskFormer uses. All losses are of one image, at the resolution
of the predicted masks (stride 4, as MaX-DeepLab's), over P pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction, Segments
from .mask_losses import dice_loss, pairwise_dice
from .matching import Match, nearest_resize_masks
from .postprocess import MASKS_AT_ONCE, PanopticSegments, number_segments
from .resizing import OutputSize, resize_masks


def slot_log_odds(mask_logits: Tensor) -> Tensor:
    """log(p / (1 - p)) of the softmax p over slots; accurate at any confidence, without 1 - p of p near 1.

    Args:
        mask_logits: ``(..., N, h, w)``, N >= 2 slots.
    """
    log_prob = mask_logits.log_softmax(-3)
    best = log_prob.argmax(-3, keepdim=True)
    others = log_prob.scatter(-3, best, -torch.inf)  # these have p <= 1/2
    log_odds = log_prob - torch.log1p(-others.exp())
    return log_odds.scatter_add(-3, best, -others.logsumexp(-3, keepdim=True))


def segments_at(segments: Segments, size: tuple[int, int]) -> Segments:
    """Segments nearest-downsampled to ``size``, without those of which no pixel is left (as deeplab2)."""
    masks = nearest_resize_masks(segments.masks, size)
    left = masks.flatten(1).any(1)
    valid = None if segments.valid is None else nearest_resize_masks(segments.valid[None], size)[0]
    return Segments(segments.labels[left], masks[left], valid)


def pq_style_similarity(
    class_prob: Tensor, mask_log_odds: Tensor, labels: Tensor, masks: Tensor, valid: Tensor | None = None
) -> Tensor:
    """p(class) * Dice(mask, slot) of every slot and segment: between 0 and 1, as recognition * segmentation.

    Paper, section 3.2. Nothing is added to Dice's fraction (deeplab2 adds 1e-5 to half its denominator); two
    empty masks are not alike.

    Args:
        class_prob: ``(N, K + 1)``.
        mask_log_odds: ``(N, P)``.
        labels: ``(S,)`` classes.
        masks: ``(S, P)`` of zeros and ones, of the masks' dtype.
        valid: ``(P,)`` of zeros and ones; None counts all pixels. deeplab2 leaves void pixels out.

    Returns:
        ``(N, S)``.
    """
    dice = 1 - pairwise_dice(mask_log_odds, masks, valid, smooth=0.0)
    return class_prob[:, labels] * dice.nan_to_num(0.0)


def pq_style_loss(
    class_logits: Tensor,
    mask_log_odds: Tensor,
    labels: Tensor,
    masks: Tensor,
    match: Match,
    valid: Tensor | None = None,
    alpha: float = 0.75,
) -> Tensor:
    """Alpha * L_pos + (1 - alpha) * L_neg, summed over the slots (paper, section 3.2).

    L_pos sums -p(class) * Dice - Dice * log p(class) over the matches, where the first factors are weights
    without gradient: what is recognised learns its mask, what is segmented learns its class. L_neg sums
    -log p(no object) over the other slots.

    deeplab2 writes 1 - Dice for -Dice (the same gradient), keeps both weights above 1e-5, multiplies L_neg of
    each slot by the part of its mask that lies on void (at least 1e-5), and divides by N: see `PQStyleLoss`.

    Args:
        class_logits: ``(N, K + 1)``; the last class is no-object.
        mask_log_odds: ``(N, P)``.
        labels: ``(S,)`` classes.
        masks: ``(S, P)`` bool, none of them empty.
        match: Matched slots and their segments.
        valid: ``(P,)`` bool pixels that Dice counts; None counts all.
        alpha: Weight of the matches.

    Returns:
        A scalar, negative where most slots are right.
    """
    log_prob = class_logits.log_softmax(-1)
    slots, segments = match
    counted = None if valid is None else valid.expand(len(slots), -1).to(mask_log_odds)
    dice = 1 - dice_loss(mask_log_odds[slots], masks[segments], counted, smooth=0.0)
    recognised = log_prob[slots, labels[segments]]
    positive = -(recognised.detach().exp() * dice + dice.detach() * recognised).sum()
    unmatched = torch.ones_like(log_prob[:, -1]).index_fill(0, slots, 0.0)
    negative = -(unmatched * log_prob[:, -1]).sum()
    return alpha * positive + (1 - alpha) * negative


def mask_id_cross_entropy(mask_log_odds: Tensor, masks: Tensor, match: Match) -> Tensor:
    """-log p(slot that is matched with the pixel's segment), mean over the pixels of matched segments.

    Paper, section 3.3 (mask-ID cross entropy): void pixels are left out. deeplab2 has the same.

    Args:
        mask_log_odds: ``(N, P)``.
        masks: ``(S, P)`` bool; where segments overlap, that of the first slot counts.
        match: Matched slots and their segments.
    """
    slots, segments = match
    segment_of_pixel, pixels = _pixels_of(masks[segments])
    log_prob = F.logsigmoid(mask_log_odds[slots[segment_of_pixel], pixels])
    return -log_prob.sum() / max(1, len(pixels))


def instance_discrimination_loss(
    embedding: Tensor, masks: Tensor, learns: Tensor | None = None, temperature: float = 0.3
) -> Tensor:
    """Pixels of a segment are alike, and unlike those of others (paper, section 3.3).

    With g the pixels' embedding of length 1 and t_i the sum of g over segment i, of length 1, each pixel's
    loss is -log of the softmax over segments of t_i . g / temperature, at the pixel's segment; the mean over
    pixels. Every segment, stuff too, is in the softmax; the mean is over the pixels of segments that learn:
    things in the paper. deeplab2 averages instead of summing, the same after normalisation, and can draw
    pairs of pixels instead.

    Args:
        embedding: ``(D, P)``, of any length.
        masks: ``(S, P)`` bool.
        learns: ``(S,)`` bool, segments whose pixels count; None counts all.
        temperature: Lower is sharper.
    """
    counted = masks if learns is None else masks & learns[:, None]
    (pixels,) = torch.where(counted.any(0))
    embedding = F.normalize(embedding, dim=0)
    centres = F.normalize(masks.to(embedding) @ embedding.T, dim=1)
    similarity = centres @ embedding[:, pixels] / temperature
    own = similarity.masked_fill(~counted[:, pixels], -torch.inf)
    return (similarity.logsumexp(0) - own.logsumexp(0)).sum() / max(1, len(pixels))


def semantic_cross_entropy(class_logits: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
    """Cross entropy of an auxiliary classifier of pixels, mean over all that are not void (section 3.3).

    deeplab2 also knows the class of a crowd's pixels, and counts them; here they are void.

    Args:
        class_logits: ``(K, P)``.
        labels: ``(S,)`` classes.
        masks: ``(S, P)`` bool; where segments overlap, the first counts.
    """
    segment_of_pixel, pixels = _pixels_of(masks)
    log_prob = class_logits[:, pixels].log_softmax(0)
    return -log_prob.gather(0, labels[segment_of_pixel][None]).sum() / max(1, len(pixels))


def _pixels_of(masks: Tensor) -> tuple[Tensor, Tensor]:
    """``(S, P)`` bool -> the pixels that lie in a segment, and the first segment of each."""
    (pixels,) = torch.where(masks.any(0))
    if not len(pixels):
        return pixels, pixels
    return masks[:, pixels].to(torch.uint8).argmax(0), pixels


def max_deeplab_segments(
    prediction: MaskPrediction,
    size: OutputSize,
    is_thing: Sequence[bool],
    score_thr: float = 0.7,
    pixel_thr: float = 0.4,
) -> PanopticSegments:
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
    (kept,) = torch.where((labels < len(is_thing)) & (scores >= score_thr))
    area = winner.flatten().bincount(minlength=len(scores) + 1)[kept].double()
    numbers = torch.stack([labels[kept].double(), scores[kept].double(), area, area], 1).tolist()
    ids, segments_info = number_segments(numbers, is_thing, overlap_thr=0.0)
    id_of_slot = torch.zeros(len(scores) + 1, dtype=torch.int32, device=winner.device)
    id_of_slot[kept] = torch.tensor(ids, dtype=torch.int32, device=winner.device)
    return PanopticSegments(id_of_slot[winner], segments_info)


def _best_slots(mask_log_odds: Tensor, size: OutputSize) -> tuple[Tensor, Tensor]:
    """Most probable slot of each output pixel and its probability, ``(H, W)`` each.

    Log-probabilities are logits but for a constant per pixel, which a softmax after upsampling does not see.
    """
    log_prob = F.logsigmoid(mask_log_odds.float())
    best = log_prob.new_full(size.output, -torch.inf)
    total, winner = best, torch.zeros_like(best, dtype=torch.int64)
    for start in range(0, len(log_prob), MASKS_AT_ONCE):
        part = resize_masks(log_prob[start : start + MASKS_AT_ONCE], size)
        value, index = part.max(0)
        winner = torch.where(value > best, index + start, winner)
        best, total = torch.maximum(best, value), torch.logaddexp(total, part.logsumexp(0))
    return winner, (best - total).exp()
