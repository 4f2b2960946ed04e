"""Match costs: what it would cost to let query n predict segment s."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from ...functional.boxes import areas, center_and_size, giou, relative_boxes
from ...registry import TASK_UTILS
from ..losses.mask_losses import pairwise_dice, pairwise_focal
from ..losses.max_deeplab_losses import pq_style_similarity


class MatchInput(NamedTuple):
    """One image's predictions, of all layers in a row, and its segments at the predictions' resolution.

    Attributes:
        class_prob: ``(N, K + 1)``.
        mask_logits: ``(N, P)``.
        labels: ``(S,)``.
        masks: ``(S, P)`` of zeros and ones.
        valid: ``(P,)`` of zeros and ones, or None.
        size: Height and width of the P pixels, for costs that ask where they lie.
        num_layers: Layers in the row; each has N / num_layers queries.
    """

    class_prob: Tensor
    mask_logits: Tensor
    labels: Tensor
    masks: Tensor
    valid: Tensor | None
    size: tuple[int, int] | None = None
    num_layers: int = 1


class MatchCost(ABC):
    """A weighted term of the matching cost.

    Args:
        weight: Factor of the term.
    """

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def __call__(self, pairs: MatchInput) -> Tensor:
        """``(N, S)`` weighted cost."""
        return self.weight * self.cost(pairs)

    @abstractmethod
    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)`` cost before weighting."""


@TASK_UTILS.register_module()
class ClassificationCost(MatchCost):
    """Minus the probability (not its logarithm) of the segment's class (paper, section 3.2)."""

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``."""
        return -pairs.class_prob[:, pairs.labels]


@TASK_UTILS.register_module()
class MaskFocalCost(MatchCost):
    """Focal loss of each pair of masks.

    Args:
        weight: Factor of the term.
        alpha: Weight of the foreground.
        gamma: Focusing exponent.
    """

    def __init__(self, weight: float = 20.0, alpha: float = 0.25, gamma: float = 2.0):
        super().__init__(weight)
        self.alpha = alpha
        self.gamma = gamma

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``."""
        return pairwise_focal(pairs.mask_logits, pairs.masks, pairs.valid, self.alpha, self.gamma)


@TASK_UTILS.register_module()
class MaskDiceCost(MatchCost):
    """Dice loss of each pair of masks.

    Args:
        weight: Factor of the term.
        smooth: Added to numerator and denominator.
    """

    def __init__(self, weight: float = 1.0, smooth: float = 1.0):
        super().__init__(weight)
        self.smooth = smooth

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``."""
        return pairwise_dice(pairs.mask_logits, pairs.masks, pairs.valid, self.smooth)


@TASK_UTILS.register_module()
class PQStyleCost(MatchCost):
    """Minus p(class) * Dice: the matching that the PQ-style similarity likes best.

    Slots that are exclusive are so before they come here (`MaXDeepLabHead`); any mask's sigmoid will do.
    """

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``."""
        return -pq_style_similarity(
            pairs.class_prob, pairs.mask_logits, pairs.labels, pairs.masks, pairs.valid
        )


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
    """Sum of the differences of center, width and height, as parts of the image.

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
    """Minus the generalized intersection over union.

    Args:
        weight: Factor of the term, DETR's by default.
    """

    def __init__(self, weight: float = 2.0):
        super().__init__(weight)

    def box_cost(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """See :class:`MaskBoxCost`."""
        return -pairwise_giou(boxes, targets)


def pairwise_box_l1(boxes: Tensor, targets: Tensor) -> Tensor:
    """Sum of the differences of center, width and height, as in DETR.

    Args:
        boxes: ``(N, 4)`` (left, top, right, bottom).
        targets: ``(S, 4)``.

    Returns:
        ``(N, S)``.
    """
    return torch.cdist(center_and_size(boxes), center_and_size(targets), p=1)


def pairwise_giou(boxes: Tensor, targets: Tensor) -> Tensor:
    """Generalized intersection over union of every pair, in [-1, 1].

    Args:
        boxes: ``(N, 4)`` (left, top, right, bottom).
        targets: ``(S, 4)``.

    Returns:
        ``(N, S)``; -1 where one of the two has no area.
    """
    both = (areas(boxes)[:, None] > 0) & (areas(targets) > 0)
    return giou(boxes[:, None], targets).where(both, -1.0)
