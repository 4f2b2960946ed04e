"""Inference from one :class:`MaskPrediction`: pure functions of the prediction and their thresholds."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction


def semantic_scores(prediction: MaskPrediction, size: tuple[int, int]) -> Tensor:
    """Semantic scores: sum over queries of p(class) * p(pixel in mask).

    Mask logits are upsampled bilinearly to ``size`` first. No-object is dropped, so the scores of a pixel do
    not sum to one. Paper, section 3.4 (semantic inference).

    Args:
        prediction: Class logits ``(B, Q, K + 1)`` and mask logits ``(B, Q, h, w)``.
        size: Height and width of the scores, those of the padded input.

    Returns:
        ``(B, K, H, W)`` float32 scores.
    """
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        class_prob = prediction.class_logits.float().softmax(-1)[..., :-1]
        masks = F.interpolate(prediction.mask_logits.float(), size=size, mode='bilinear', align_corners=False)
        masks = masks.sigmoid() if masks.requires_grad else masks.sigmoid_()
        return torch.einsum('bqk,bqhw->bkhw', class_prob, masks)
