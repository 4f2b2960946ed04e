"""Match cost of MaX-DeepLab."""

from __future__ import annotations

from torch import Tensor

from ...functional.max_deeplab import pq_style_similarity
from ...registry import TASK_UTILS
from .match_costs import MatchCost, MatchInput


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
