"""Losses of matched boxes, as DETR takes them (Carion et al., 2020, appendix A.2)."""

from __future__ import annotations

from torch import Tensor, nn

from ...functional.boxes import box_l1, corners, giou
from ...registry import MODELS


@MODELS.register_module()
class BoxL1Loss(nn.Module):
    """Sum of the differences of center, width and height, as parts of the image.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 5.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """Weighted values ``(M,)`` of ``(M, 4)`` boxes (center, width and height)."""
        return self.loss_weight * box_l1(boxes, targets)


@MODELS.register_module()
class BoxGIoULoss(nn.Module):
    """One minus the generalized intersection over union.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 2.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        """Weighted values ``(M,)`` of ``(M, 4)`` boxes (center, width and height)."""
        return self.loss_weight * (1 - giou(corners(boxes), corners(targets)))
