"""Bipartite matching between queries and segments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor

from ...functional.devices import budget
from ...functional.matching import Match, nearest_resize_masks, optimal_assignments
from ...functional.upsampled_losses import CHUNK_PIXELS
from ...registry import TASK_UTILS
from ...structures import MaskPrediction, Segments
from .match_costs import MatchInput

DEFAULT_COSTS = ('ClassificationCost', 'MaskFocalCost', 'MaskDiceCost')


@TASK_UTILS.register_module()
class HungarianAssigner:
    """Cheapest one-to-one assignment of queries to segments, for every layer and image (paper, section 3.2).

    Costs are computed in float32 under any autocast, at the predictions' resolution, with segments
    nearest-downsampled to it. All costs of a step reach the host in one transfer.

    Args:
        costs: Configs of the cost terms, which are summed. The paper's by default: class 1, focal 20, dice 1.
    """

    def __init__(self, costs: Sequence[dict] | None = None):
        costs = costs or [dict(type=f'mmmaskformer.{name}') for name in DEFAULT_COSTS]
        self.costs = [TASK_UTILS.build(cost) for cost in costs]
        self.num_non_finite = 0

    @torch.no_grad()
    def __call__(
        self, predictions: Sequence[MaskPrediction], segments: Sequence[Segments]
    ) -> list[list[Match]]:
        """Match each layer's predictions anew.

        Args:
            predictions: One for each layer, of one resolution.
            segments: One for each image.

        Returns:
            For each layer and image, query indices (ascending) and segment indices.

        Raises:
            ValueError: An image has more segments than there are queries.
        """
        num_queries = predictions[0].class_logits.shape[1]
        most = max((len(s) for s in segments), default=0)
        if most > num_queries:
            raise ValueError(
                f'an image has {most} segments but there are only {num_queries} queries to match: '
                f'set decode_head.num_queries to at least {most}'
            )
        with torch.autocast(predictions[0].class_logits.device.type, enabled=False):
            costs = [
                cost
                for i, target in enumerate(segments)
                for cost in self._image_costs(predictions, i, target)
            ]
        matches, num_non_finite = optimal_assignments(costs)
        self._report_non_finite(num_non_finite)
        num_layers = len(predictions)
        return [matches[layer::num_layers] for layer in range(num_layers)]

    def _image_costs(
        self, predictions: Sequence[MaskPrediction], image: int, target: Segments
    ) -> list[Tensor]:
        """One ``(Q, S)`` cost for each layer; few layers at a time, for what fits a cache is faster."""
        logits = predictions[0].mask_logits[image]
        size = (logits.shape[-2], logits.shape[-1])
        masks = nearest_resize_masks(target.masks, size).flatten(1).to(logits).float()
        valid = None
        if target.valid is not None:
            valid = nearest_resize_masks(target.valid[None], size).flatten().to(masks)
        step = max(1, budget(CHUNK_PIXELS, logits.device) // max(1, logits.numel()))
        costs: list[Tensor] = []
        for chunk in (predictions[i : i + step] for i in range(0, len(predictions), step)):
            probabilities = torch.cat([p.class_logits[image] for p in chunk]).float().softmax(-1)
            mask_logits = torch.cat([p.mask_logits[image] for p in chunk]).float().flatten(1)
            pairs = MatchInput(probabilities, mask_logits, target.labels, masks, valid, size, len(chunk))
            total = torch.stack([cost(pairs) for cost in self.costs]).sum(0)
            costs += total.split(len(logits))
        return costs

    def _report_non_finite(self, count: int) -> None:
        if count and not self.num_non_finite:
            print_log(
                f'{count} matching costs were NaN or infinite and count as worst. The predictions have '
                'diverged: check the learning rate and the input images. Said once; counted in '
                'HungarianAssigner.num_non_finite.',
                logger='current',
                level=30,
            )
        self.num_non_finite += count
