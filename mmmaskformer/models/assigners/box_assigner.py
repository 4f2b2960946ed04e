"""Bipartite matching by class and box: masks play no part (DETR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...functional.boxes import box_l1, corners, giou
from ...registry import TASK_UTILS
from ...structures import Segments
from .hungarian_assigner import HungarianAssigner
from .match_costs import MatchCost

DETR_COSTS = (
    dict(type='mmmaskformer.ClassificationCost'),
    dict(type='mmmaskformer.BoxL1Cost'),
    dict(type='mmmaskformer.BoxGIoUCost'),
)


class BoxPairs(NamedTuple):
    """One image's predictions, of all layers in a row, and its segments, for the costs of class and box.

    Attributes:
        class_prob: ``(N, K + 1)``.
        labels: ``(S,)``.
        boxes: ``(N, 4)`` center, width and height as parts of the image.
        target_boxes: ``(S, 4)``.
    """

    class_prob: Tensor
    labels: Tensor
    boxes: Tensor
    target_boxes: Tensor


@TASK_UTILS.register_module()
class BoxL1Cost(MatchCost):
    """Sum of the differences of center, width and height of predicted boxes.

    Args:
        weight: Factor of the term, DETR's by default.
    """

    def __init__(self, weight: float = 5.0):
        super().__init__(weight)

    def cost(self, pairs: Any) -> Tensor:
        """``(N, S)`` of `BoxPairs`."""
        return box_l1(pairs.boxes[:, None], pairs.target_boxes)


@TASK_UTILS.register_module()
class BoxGIoUCost(MatchCost):
    """Minus the generalized intersection over union of predicted boxes.

    Args:
        weight: Factor of the term, DETR's by default.
    """

    def __init__(self, weight: float = 2.0):
        super().__init__(weight)

    def cost(self, pairs: Any) -> Tensor:
        """``(N, S)`` of `BoxPairs`."""
        return -giou(corners(pairs.boxes)[:, None], corners(pairs.target_boxes))


@TASK_UTILS.register_module()
class BoxAssigner(HungarianAssigner):
    """`HungarianAssigner` of `BoxPrediction` and segments with boxes (DETR, section 3.1).

    Args:
        costs: Configs of the cost terms, which are summed. DETR's by default: class 1, L1 5, GIoU 2.
    """

    def __init__(self, costs: Sequence[dict] | None = None):
        super().__init__(costs or DETR_COSTS)

    def _image_costs(self, predictions: Sequence[Any], image: int, target: Segments) -> list[Tensor]:
        """One ``(Q, S)`` cost for each layer."""
        assert target.boxes is not None
        logits, boxes = (
            torch.cat([values[image] for values in layers]).float()
            for layers in zip(*((p.class_logits, p.boxes) for p in predictions))
        )
        pairs = BoxPairs(logits.softmax(-1), target.labels, boxes, target.boxes.float())
        total = torch.stack([cost(pairs) for cost in self.costs]).sum(0)
        return list(total.split(len(predictions[0].boxes[image])))
