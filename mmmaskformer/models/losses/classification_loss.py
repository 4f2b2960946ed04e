"""Classification loss of all queries."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import MODELS
from .class_weights import ClassWeight, ClassWeights


@MODELS.register_module()
class NoObjectCrossEntropyLoss(nn.Module):
    """Cross entropy over K classes and no-object, the last class, which weighs less (paper, section 3.2).

    The head sets the number of classes: nobody writes K + 1 weights.

    Args:
        no_object_weight: Weight of the no-object class.
        loss_weight: Factor of the loss.
        class_weight: Weights of the classes, 1 by default: a list of K numbers, a dict of some classes by
            name, or ``'inverse_sqrt'`` for weights from the segments of the training data. See
            `ClassWeights`.

    Raises:
        ValueError: ``class_weight`` is none of these, or its length is not the number of classes.
    """

    def __init__(
        self, no_object_weight: float = 0.1, loss_weight: float = 1.0, class_weight: ClassWeight = None
    ):
        super().__init__()
        self.no_object_weight = no_object_weight
        self.loss_weight = loss_weight
        self.class_weights = ClassWeights(class_weight, last=[no_object_weight])

    def set_num_classes(self, num_classes: int) -> None:
        """See `ClassWeights.set_num_classes`."""
        self.class_weights.set_num_classes(num_classes)

    def forward(self, class_logits: Tensor, labels: Tensor) -> Tensor:
        """Mean over queries, weighted by the weight of each query's class.

        Args:
            class_logits: ``(..., K + 1)``.
            labels: ``(...)`` classes, K for no-object.
        """
        logits = class_logits.float().flatten(0, -2)
        weights = self.class_weights(logits.shape[-1] - 1, logits.device)
        return self.loss_weight * F.cross_entropy(logits, labels.flatten(), weights)
