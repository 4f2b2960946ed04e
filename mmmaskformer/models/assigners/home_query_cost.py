"""A matching that begins fixed, one group of queries for each class, and becomes free."""

from __future__ import annotations

import torch
from mmengine.logging import MessageHub
from torch import Tensor

from ...registry import TASK_UTILS
from .match_costs import MatchCost, MatchInput


@TASK_UTILS.register_module()
class HomeQueryCost(MatchCost):
    """A discount for the queries at home in a segment's class, which fades to nothing.

    Query q of Q is at home in the classes c with ``c mod Q == q mod K``, K being the number of classes: with
    many queries, each class has several, so that this serves panoptic data as well. While the discount is
    larger than what the other costs differ by, a query learns the same class in every step, as with
    `FixedAssigner`; afterwards the matching is the paper's::

        assigner=dict(
            type='mmmaskformer.HungarianAssigner',
            costs=[
                dict(type='mmmaskformer.ClassificationCost'),
                dict(type='mmmaskformer.MaskFocalCost'),
                dict(type='mmmaskformer.MaskDiceCost'),
                dict(type='mmmaskformer.HomeQueryCost', num_iterations=300),
            ],
        )

    Args:
        num_iterations: Iterations of the training, or of a resumed training from its true beginning, over
            which the discount falls linearly to zero.
        weight: Discount at the first iteration.

    Raises:
        ValueError: ``num_iterations`` is not positive.
    """

    def __init__(self, num_iterations: int, weight: float = 5.0):
        super().__init__(weight)
        if num_iterations < 1:
            raise ValueError(f'num_iterations={num_iterations} of HomeQueryCost; expected 1 or more')
        self.num_iterations = num_iterations

    def cost(self, pairs: MatchInput) -> Tensor:
        """``(N, S)``: minus the remaining part of the discount, or zero."""
        num_queries, num_classes = len(pairs.class_prob) // pairs.num_layers, pairs.class_prob.shape[1] - 1
        queries = torch.arange(len(pairs.class_prob), device=pairs.labels.device) % num_queries
        at_home = (queries % num_classes)[:, None] == (pairs.labels % num_queries)[None]
        return -self._remaining() * at_home.to(pairs.class_prob)

    def _remaining(self) -> float:
        """Between 1 at the first iteration and 0; 1 outside of a runner."""
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        return max(0.0, 1 - iteration / self.num_iterations)
