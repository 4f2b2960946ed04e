"""Losses of MaX-DeepLab (Wang et al., CVPR 2021), each a formula and its registered class; the similarity.

All are of one image, at the resolution of the predicted masks (stride 4, as MaX-DeepLab's), over P pixels.
Masks come as log-odds of the slots' softmax (`functional.max_deeplab_inference.slot_log_odds`), so their
sigmoid is the probability that a pixel belongs to the slot.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...functional.devices import constants, small_pieces
from ...functional.matching import Match
from ...registry import MODELS
from .mask_losses import dice_loss, pairwise_dice


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
    without gradient: what is recognized learns its mask, what is segmented learns its class. L_neg sums
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
    recognized = log_prob[slots, labels[segments]]
    positive = -(recognized.detach().exp() * dice + dice.detach() * recognized).sum()
    unmatched = torch.ones_like(log_prob[:, -1]).index_fill(0, slots, 0.0)
    negative = -(unmatched * log_prob[:, -1]).sum()
    return alpha * positive + (1 - alpha) * negative


@MODELS.register_module()
class PQStyleLoss(nn.Module):
    """PQ-style loss: `pq_style_loss`.

    Args:
        loss_weight: Factor of the loss.
        alpha: Weight of matched slots; unmatched ones have 1 - alpha.
        mean_over_slots: Divide the paper's sum by the number of slots, as deeplab2 does: the weights of the
            four losses fit together only so.
    """

    def __init__(self, loss_weight: float = 3.0, alpha: float = 0.75, mean_over_slots: bool = True):
        super().__init__()
        self.loss_weight = loss_weight
        self.alpha = alpha
        self.mean_over_slots = mean_over_slots

    def forward(
        self,
        class_logits: Tensor,
        mask_log_odds: Tensor,
        labels: Tensor,
        masks: Tensor,
        match: Match,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        loss = pq_style_loss(class_logits, mask_log_odds, labels, masks, match, valid, self.alpha)
        return self.loss_weight * (loss / len(class_logits) if self.mean_over_slots else loss)


def mask_id_cross_entropy(mask_log_odds: Tensor, masks: Tensor, match: Match) -> Tensor:
    """-log p(slot that is matched with the pixel's segment), mean over the pixels of matched segments.

    Paper, section 3.3 (mask-ID cross entropy): void pixels are left out. deeplab2 has the same.

    Args:
        mask_log_odds: ``(N, P)``.
        masks: ``(S, P)`` bool; where segments overlap, that of the first slot counts.
        match: Matched slots and their segments.
    """
    slots, segments = match
    segment_of_pixel, pixels, counted = _pixels_of(masks[segments])
    log_prob = F.logsigmoid(mask_log_odds[slots[segment_of_pixel], pixels])
    return -_mean_of_pixels(log_prob, counted)


@MODELS.register_module()
class MaskIDLoss(nn.Module):
    """Mask-ID cross entropy: `mask_id_cross_entropy`.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 0.3):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, mask_log_odds: Tensor, masks: Tensor, match: Match) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        return self.loss_weight * mask_id_cross_entropy(mask_log_odds, masks, match)


def instance_discrimination_loss(
    embedding: Tensor,
    masks: Tensor,
    learns: Tensor | None = None,
    temperature: float = 0.3,
    normalize: bool = True,
) -> Tensor:
    """Pixels of a segment are alike, and unlike those of others (paper, section 3.3).

    With g the pixels' embedding of length 1 and t_i the sum of g over segment i, of length 1, each pixel's
    loss is -log of the softmax over segments of t_i . g / temperature, at the pixel's segment; the mean over
    pixels. Every segment, stuff too, is in the softmax; the mean is over the pixels of segments that learn:
    things in the paper. deeplab2 averages instead of summing, the same after normalization, and can draw
    pairs of pixels instead.

    Args:
        embedding: ``(D, P)``, of any length.
        masks: ``(S, P)`` bool.
        learns: ``(S,)`` bool, segments whose pixels count; None counts all.
        temperature: Lower is sharper.
        normalize: Scale the embedding to length 1; False if it is.
    """
    counted = masks if learns is None else masks & learns[:, None]
    learned = counted.any(0)
    pixels, weights = _pixels_where(learned, len(masks))
    embedding = F.normalize(embedding, dim=0) if normalize else embedding
    centers = F.normalize(masks.to(embedding) @ embedding.T, dim=1)
    similarity = centers @ embedding[:, pixels] / temperature
    own = similarity.masked_fill(~counted[:, pixels] & learned[pixels], -torch.inf)
    return _mean_of_pixels(similarity.logsumexp(0) - own.logsumexp(0), weights)


@MODELS.register_module()
class InstanceDiscriminationLoss(nn.Module):
    """Instance discrimination: `instance_discrimination_loss`.

    Args:
        loss_weight: Factor of the loss.
        temperature: Lower is sharper.
        thing_classes: Indices of the classes whose pixels learn, the things in the paper. Segments do not
            record whether they are things: by default the pixels of all segments count, also of label maps.
        normalize: Scale the embedding to length 1; False if it is.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        temperature: float = 0.3,
        thing_classes: Sequence[int] | None = None,
        normalize: bool = True,
    ):
        super().__init__()
        self.loss_weight = loss_weight
        self.temperature = temperature
        self.normalize = normalize
        self.thing_classes = None if thing_classes is None else tuple(thing_classes)

    def forward(
        self, embedding: Tensor, labels: Tensor, masks: Tensor, learns: Tensor | None = None
    ) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes. `thing_classes` overrule ``learns``."""
        if self.thing_classes is not None:
            learns = torch.isin(labels, constants(self.thing_classes, labels.device, labels.dtype))
        loss = instance_discrimination_loss(embedding, masks, learns, self.temperature, self.normalize)
        return self.loss_weight * loss


def semantic_cross_entropy(class_logits: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
    """Cross entropy of an auxiliary classifier of pixels, mean over all that are not void (section 3.3).

    deeplab2 also counts the pixels of crowds, with their class; here they are void.

    Args:
        class_logits: ``(K, P)``.
        labels: ``(S,)`` classes.
        masks: ``(S, P)`` bool; where segments overlap, the first counts.
    """
    segment_of_pixel, pixels, counted = _pixels_of(masks)
    log_prob = class_logits[:, pixels].log_softmax(0)
    return -_mean_of_pixels(log_prob.gather(0, labels[segment_of_pixel][None])[0], counted)


@MODELS.register_module()
class AuxiliarySemanticLoss(nn.Module):
    """Per-pixel cross entropy: `semantic_cross_entropy`.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, class_logits: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        return self.loss_weight * semantic_cross_entropy(class_logits, labels, masks)


def _pixels_of(masks: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """``(S, P)`` bool -> the first segment of each pixel in one; these pixels; their weights."""
    pixels, weights = _pixels_where(masks.any(0), len(masks))
    if not len(pixels):
        return pixels, pixels, weights
    return masks[:, pixels].to(torch.uint8).argmax(0), pixels, weights


def _pixels_where(flags: Tensor, num_segments: int) -> tuple[Tensor, Tensor | None]:
    """The pixels ``(N,)`` of ``(P,)`` flags, and their weights in a mean; None for 1.

    On a GPU all pixels, with weights of 0 and 1: the host need not learn how many are set.
    """
    if not num_segments:
        return torch.arange(0, device=flags.device), None
    if small_pieces(flags.device):
        return torch.where(flags)[0], None
    return torch.arange(len(flags), device=flags.device), flags.float()


def _mean_of_pixels(values: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return values.sum() / max(1, len(values))
    return (values * weights).sum() / weights.sum().clamp(min=1)
