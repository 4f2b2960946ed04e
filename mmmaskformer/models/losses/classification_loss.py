"""Classification loss of all queries."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import MODELS


@MODELS.register_module()
class NoObjectCrossEntropyLoss(nn.Module):
    """Cross entropy over K classes and no-object, the last class, which weighs less (paper, section 3.2).

    The number of classes is read from the logits: nobody writes K + 1 weights.

    Args:
        no_object_weight: Weight of the no-object class; the classes weigh 1.
        loss_weight: Factor of the loss.
    """

    def __init__(self, no_object_weight: float = 0.1, loss_weight: float = 1.0):
        super().__init__()
        self.no_object_weight = no_object_weight
        self.loss_weight = loss_weight

    def forward(self, class_logits: Tensor, labels: Tensor) -> Tensor:
        """Mean over queries, weighted by the weight of each query's class.

        Args:
            class_logits: ``(..., K + 1)``.
            labels: ``(...)`` classes, K for no-object.
        """
        logits = class_logits.float().flatten(0, -2)
        weights = torch.ones_like(logits[0])
        weights[-1] = self.no_object_weight
        return self.loss_weight * F.cross_entropy(logits, labels.flatten(), weights)
