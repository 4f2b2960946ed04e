"""Per-pixel classification, which mask classification is measured against (paper, section 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def upsampled_cross_entropy(
    logits: Tensor, labels: Tensor, ignore_index: int = 255, weights: Tensor | None = None
) -> Tensor:
    """Cross entropy of logits that are first upsampled bilinearly to the size of the labels.

    Nothing of that size is kept for the backward pass, which upsamples again: with 847 classes, six layers
    of two 512x512 images would hold 10 GB.

    Args:
        logits: ``(B, K, h, w)`` class logits.
        labels: ``(B, H, W)`` integer classes, or ``ignore_index``.
        ignore_index: Label of pixels that do not count.
        weights: ``(K,)`` weights of the classes; None for 1.

    Returns:
        Scalar, mean over the counted pixels of the batch, weighted by their classes; zero if there are none.
    """
    return checkpoint(
        _upsampled_cross_entropy,
        logits,
        labels,
        ignore_index,
        weights,
        use_reentrant=False,
        preserve_rng_state=False,
    )


def _upsampled_cross_entropy(
    logits: Tensor, labels: Tensor, ignore_index: int, weights: Tensor | None
) -> Tensor:
    with torch.autocast(logits.device.type, enabled=False):
        total = F.cross_entropy(
            upsample(logits, (labels.shape[-2], labels.shape[-1])),
            labels.long(),
            weights,
            ignore_index=ignore_index,
            reduction='sum',
        )
    counted = labels != ignore_index
    if weights is None:
        return total / counted.sum().clamp(min=1)
    of_pixels = weights[torch.where(counted, labels, 0).long()] * counted
    return total / of_pixels.sum().clamp(min=torch.finfo(torch.float32).tiny)


def upsample(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """``(B, K, h, w)`` logits -> ``(B, K, *size)`` float32, bilinear."""
    return F.interpolate(logits.float(), size=size, mode='bilinear', align_corners=False)
