"""Match costs: what it would cost to let query n predict segment s."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

from ...functional.mask_losses import pairwise_dice, pairwise_focal
from ...registry import TASK_UTILS


class MatchInput(NamedTuple):
    """One image's predictions, of all layers in a row, and its segments at the predictions' resolution.

    Attributes:
        class_prob: ``(N, K + 1)``.
        mask_logits: ``(N, P)``.
        labels: ``(S,)``.
        masks: ``(S, P)`` of zeros and ones.
        valid: ``(P,)`` of zeros and ones, or None.
        size: Height and width of the P pixels, for costs that ask where they lie.
    """

    class_prob: Tensor
    mask_logits: Tensor
    labels: Tensor
    masks: Tensor
    valid: Tensor | None
    size: tuple[int, int] | None = None


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
