"""Match costs of the boxes around masks, for matching as DETR does it (paper, section 4.3, an ablation)."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from ...functional.boxes import pairwise_box_l1, pairwise_giou, relative_boxes
from ...registry import TASK_UTILS
from .match_costs import MatchCost, MatchInput


class MaskBoxCost(MatchCost):
    """A cost of the boxes around predicted masks (probability above one half) and segments.

    Pixels that are not valid belong to no predicted mask.

    Args:
        weight: Factor of the term.
    """

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``.

        Raises:
            ValueError: The height and width of the masks are not known.
        """
        if pairs.size is None:
            raise ValueError(f'{type(self).__name__} needs to know where pixels lie: set MatchInput.size')
        predicted = pairs.mask_logits > 0
        if pairs.valid is not None:
            predicted = predicted & pairs.valid.bool()
        boxes, targets = (
            relative_boxes(masks.unflatten(1, pairs.size)) for masks in (predicted, pairs.masks.bool())
        )
        return self.box_cost(boxes, targets)

    @abstractmethod
    def box_cost(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """``(N, S)`` cost of boxes (left, top, right, bottom), as parts of the image."""


@TASK_UTILS.register_module()
class MaskBoxL1Cost(MaskBoxCost):
    """Sum of the differences of centre, width and height, as parts of the image.

    Args:
        weight: Factor of the term, DETR's by default.
    """

    def __init__(self, weight: float = 5.0):
        super().__init__(weight)

    def box_cost(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """See :class:`MaskBoxCost`."""
        return pairwise_box_l1(boxes, targets)


@TASK_UTILS.register_module()
class MaskBoxGIoUCost(MaskBoxCost):
    """Minus the generalised intersection over union.

    Args:
        weight: Factor of the term, DETR's by default.
    """

    def __init__(self, weight: float = 2.0):
        super().__init__(weight)

    def box_cost(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """See :class:`MaskBoxCost`."""
        return -pairwise_giou(boxes, targets)
