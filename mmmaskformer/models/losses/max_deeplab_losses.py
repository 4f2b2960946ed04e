"""Registered losses of MaX-DeepLab, each of one image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...functional.matching import Match
from ...functional.max_deeplab import (
    instance_discrimination_loss,
    mask_id_cross_entropy,
    pq_style_loss,
    semantic_cross_entropy,
)
from ...registry import MODELS


@MODELS.register_module()
class PQStyleLoss(nn.Module):
    """PQ-style loss: `functional.max_deeplab.pq_style_loss`.

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


@MODELS.register_module()
class MaskIDLoss(nn.Module):
    """Mask-ID cross entropy: `functional.max_deeplab.mask_id_cross_entropy`.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 0.3):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, mask_log_odds: Tensor, masks: Tensor, match: Match) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        return self.loss_weight * mask_id_cross_entropy(mask_log_odds, masks, match)


@MODELS.register_module()
class InstanceDiscriminationLoss(nn.Module):
    """Instance discrimination: `functional.max_deeplab.instance_discrimination_loss`.

    Args:
        loss_weight: Factor of the loss.
        temperature: Lower is sharper.
        thing_classes: Indices of the classes whose pixels learn, the things in the paper. Segments do not
            say whether they are things: by default the pixels of all of them learn, also of label maps.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        temperature: float = 0.3,
        thing_classes: Sequence[int] | None = None,
    ):
        super().__init__()
        self.loss_weight = loss_weight
        self.temperature = temperature
        self.thing_classes = None if thing_classes is None else tuple(thing_classes)

    def forward(self, embedding: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        learns = None
        if self.thing_classes is not None:
            learns = torch.isin(labels, labels.new_tensor(self.thing_classes))
        return self.loss_weight * instance_discrimination_loss(embedding, masks, learns, self.temperature)


@MODELS.register_module()
class AuxiliarySemanticLoss(nn.Module):
    """Per-pixel cross entropy: `functional.max_deeplab.semantic_cross_entropy`.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, class_logits: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
        """Weighted loss of one image; see the formula for the shapes."""
        return self.loss_weight * semantic_cross_entropy(class_logits, labels, masks)
