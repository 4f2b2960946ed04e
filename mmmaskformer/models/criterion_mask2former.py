"""Mask2Former's losses: those of MaskFormer's kind, at points."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..functional.matching import MatchedPairs
from ..functional.point_sampling import (
    DrawPoints,
    random_points,
    sample_logits,
    sample_masks,
    uncertain_points,
)
from ..registry import MODELS
from ..structures import Segments
from .assigners import MASK2FORMER_COSTS
from .criterion import MaskFormerCriterion, all_masks, mean_num_segments


@MODELS.register_module()
class Mask2FormerCriterion(MaskFormerCriterion):
    """Cross entropy and dice of matched masks at points, three quarters of them where masks are undecided.

    Mask2Former (Cheng et al., CVPR 2022), section 3.3. All predictions, that of the bare queries included,
    are matched and supervised, each at points of its own.

    Args:
        num_points: Points of each mask, for matching and losses; None takes all pixels instead: exact losses
            at the size of the image, and matching at that of the prediction, as in MaskFormer.
        oversample_ratio: How many times as many points are looked at to choose from.
        importance_sample_ratio: Part of the points that is chosen by its logits, next to zero.
        assigner: Config of the assigner: `PointAssigner`, or for all pixels `HungarianAssigner`, by default.
        loss_cls: Config of the classification loss, by default with weight 2.
        loss_mask: Config of the first mask loss, by default cross entropy with weight 5.
        loss_dice: Config of the second mask loss, by default dice with weight 5.
        chunk_pixels: Of losses of all pixels; see `MaskFormerCriterion`.

    Attributes:
        draw_points: Gives the points of each prediction, first those to choose from, then those at random.

    Raises:
        ValueError: A ratio or the number of points is out of range.
    """

    draw_points: DrawPoints = staticmethod(random_points)

    def __init__(
        self,
        num_points: int | None = 12544,
        oversample_ratio: float = 3.0,
        importance_sample_ratio: float = 0.75,
        assigner: dict | None = None,
        loss_cls: dict | None = None,
        loss_mask: dict | None = None,
        loss_dice: dict | None = None,
        chunk_pixels: int | None = None,
    ):
        super().__init__(
            assigner or _matching(num_points),
            loss_cls or dict(type='mmmaskformer.NoObjectCrossEntropyLoss', loss_weight=2.0),
            loss_mask or dict(type='mmmaskformer.MaskCrossEntropyLoss', loss_weight=5.0),
            loss_dice or dict(type='mmmaskformer.MaskDiceLoss', loss_weight=5.0),
            chunk_pixels,
        )
        if num_points is not None and num_points < 1:
            raise ValueError(f'num_points={num_points}: set it to 1 or more, or to None for all pixels')
        if oversample_ratio < 1 or not 0 <= importance_sample_ratio <= 1:
            raise ValueError(
                f'oversample_ratio={oversample_ratio} and '
                f'importance_sample_ratio={importance_sample_ratio}: set the first to 1 or more, the second '
                'to a number from 0 to 1'
            )
        self.num_points = num_points
        self.oversample_ratio = oversample_ratio
        self.importance_sample_ratio = importance_sample_ratio

    def _mask_losses(
        self, logits: Tensor, segments: Sequence[Segments], pairs: MatchedPairs
    ) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Normalized mask losses of each layer."""
        if self.num_points is None:
            return super()._mask_losses(logits, segments, pairs)
        targets, valid = all_masks(segments)
        layers = pairs.split_layers(logits)
        indices = pairs.split_layers(pairs.segments)
        sums = [self._point_losses(*layer, targets, valid) for layer in zip(layers, indices)]
        mask, dice = (torch.stack(sums, 1) / mean_num_segments(segments, sums[0])).unbind()
        return mask.unbind(), dice.unbind()

    def _point_losses(self, logits: Tensor, index: Tensor, targets: Tensor, valid: Tensor | None) -> Tensor:
        """``(2,)`` weighted sums of one layer's ``(N, h, w)`` matched mask logits, in float32."""
        assert self.num_points is not None
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            points = uncertain_points(
                logits, self.num_points, self.oversample_ratio, self.importance_sample_ratio, self.draw_points
            )
            sampled = sample_logits(logits, points)
            wanted = sample_masks(targets, points, index)
            counted = None if valid is None else sample_masks(valid, points, index)
            return torch.stack(
                [loss(sampled, wanted, counted).sum() for loss in (self.loss_mask, self.loss_dice)]
            )


def _matching(num_points: int | None) -> dict:
    if num_points is None:
        return dict(type='mmmaskformer.HungarianAssigner', costs=MASK2FORMER_COSTS)
    return dict(type='mmmaskformer.PointAssigner', num_points=num_points)
