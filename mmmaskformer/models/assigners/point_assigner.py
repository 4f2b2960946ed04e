"""Bipartite matching at random points."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...functional.point_sampling import DrawPoints, random_points, sample_logits, sample_masks
from ...registry import TASK_UTILS
from ...structures import MaskPrediction, Segments
from ..losses.cross_entropy_loss import pairwise_cross_entropy
from .hungarian_assigner import HungarianAssigner
from .match_costs import MatchCost, MatchInput

MASK2FORMER_COSTS = (
    dict(type='mmmaskformer.ClassificationCost', weight=2.0),
    dict(type='mmmaskformer.MaskCrossEntropyCost', weight=5.0),
    dict(type='mmmaskformer.MaskDiceCost', weight=5.0),
)


@TASK_UTILS.register_module()
class MaskCrossEntropyCost(MatchCost):
    """Binary cross entropy of each pair of masks.

    Args:
        weight: Factor of the term.
    """

    def __init__(self, weight: float = 5.0):
        super().__init__(weight)

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``."""
        return pairwise_cross_entropy(pairs.mask_logits, pairs.masks, pairs.valid)


@TASK_UTILS.register_module()
class PointAssigner(HungarianAssigner):
    """`HungarianAssigner` at random points, a set for each layer and image (Mask2Former, section 3.3).

    Segments are sampled at their own resolution: none is lost, however small the prediction.

    Args:
        costs: Configs of the cost terms, which are summed. Mask2Former's by default: class 2, cross entropy
            5, dice 5.
        num_points: Points.

    Attributes:
        draw_points: Gives the points, image by image, layer by layer: ``random_points`` unless set.
    """

    draw_points: DrawPoints = staticmethod(random_points)

    def __init__(self, costs: Sequence[dict] | None = None, num_points: int = 12544):
        super().__init__(costs or MASK2FORMER_COSTS)
        self.num_points = num_points

    def _image_costs(
        self, predictions: Sequence[MaskPrediction], image: int, target: Segments
    ) -> list[Tensor]:
        """One ``(Q, S)`` cost for each layer."""
        return [
            self._layer_cost(layer.class_logits[image], layer.mask_logits[image], target)
            for layer in predictions
        ]

    def _layer_cost(self, class_logits: Tensor, mask_logits: Tensor, target: Segments) -> Tensor:
        (points,) = self.draw_points(1, self.num_points, mask_logits.device)
        valid = None if target.valid is None else sample_masks(target.valid[None], points)[0]
        pairs = MatchInput(
            class_logits.float().softmax(-1),
            sample_logits(mask_logits.float(), points),
            target.labels,
            sample_masks(target.masks, points),
            valid,
        )
        return torch.stack([cost(pairs) for cost in self.costs]).sum(0)
