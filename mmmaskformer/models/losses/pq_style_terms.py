"""The PQ-style loss as deeplab2 has it: a class term and a mask term, each weighted by the other."""

from __future__ import annotations

from torch import Tensor, nn

from ...functional.matching import Match
from ...registry import MODELS
from .mask_losses import dice_loss

LEAST_WEIGHT = 1e-5


def pq_style_terms(
    class_logits: Tensor,
    mask_log_odds: Tensor,
    labels: Tensor,
    masks: Tensor,
    valid: Tensor,
    match: Match,
    alpha: float = 0.75,
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the slots weighted by their masks, and Dice of the masks weighted by their classes.

    Matched slots learn their class as far as their masks are right; other slots learn void as far as their
    masks lie on void pixels. Matched masks learn as far as their slots have the right class. No gradient
    passes through the weights. Beside the paper (section 3.2): void's weight, one more pixel in the fraction
    of Dice, and both means over all slots.

    Args:
        class_logits: ``(N, K + 1)``; the last class is no-object.
        mask_log_odds: ``(N, P)``.
        labels: ``(S,)`` classes.
        masks: ``(S, P)`` bool.
        valid: ``(P,)`` bool pixels that have a class, in a segment or not.
        match: Matched slots and their segments.
        alpha: Weight of the matches.

    Returns:
        Two scalars.
    """
    slots, segments = match
    log_prob, num_slots = class_logits.log_softmax(-1), len(class_logits)
    probability = mask_log_odds.detach().sigmoid()
    void_share = (probability * ~valid).sum(1) / probability.sum(1).clamp(min=LEAST_WEIGHT)
    weights = (1 - alpha) * void_share.clamp(min=LEAST_WEIGHT)
    targets = slots.new_full((num_slots,), log_prob.shape[-1] - 1)
    targets = targets.index_copy(0, slots, labels[segments])
    matched_dice = _matched_dice(mask_log_odds.detach()[slots], masks[segments], valid)
    weights = weights.index_copy(0, slots, alpha * matched_dice.clamp(min=LEAST_WEIGHT))
    class_term = -(weights * log_prob.gather(1, targets[:, None])[:, 0]).sum() / num_slots

    recognized = log_prob.detach()[slots, labels[segments]].exp().clamp(min=LEAST_WEIGHT)
    inside = masks.any(0).expand(len(slots), -1).to(mask_log_odds)
    mask_losses = dice_loss(mask_log_odds[slots], masks[segments], inside)
    return class_term, alpha * (recognized * mask_losses).sum() / num_slots


def _matched_dice(mask_log_odds: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
    counted = valid.expand(len(masks), -1).to(mask_log_odds)
    return (1 - dice_loss(mask_log_odds, masks, counted, smooth=0.0)).nan_to_num(0.0)


@MODELS.register_module()
class PQStyleTermsLoss(nn.Module):
    """PQ-style loss in two terms: `pq_style_terms`.

    Args:
        loss_weight: Factor of both terms.
        alpha: Weight of matched slots; unmatched ones have 1 - alpha.
    """

    def __init__(self, loss_weight: float = 3.0, alpha: float = 0.75):
        super().__init__()
        self.loss_weight = loss_weight
        self.alpha = alpha

    def forward(
        self,
        class_logits: Tensor,
        mask_log_odds: Tensor,
        labels: Tensor,
        masks: Tensor,
        valid: Tensor,
        match: Match,
    ) -> tuple[Tensor, Tensor]:
        """Weighted terms of one image; see the formula for the shapes."""
        terms = pq_style_terms(class_logits, mask_log_odds, labels, masks, valid, match, self.alpha)
        return self.loss_weight * terms[0], self.loss_weight * terms[1]
