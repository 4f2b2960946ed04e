"""Per-pixel classification, which mask classification is measured against (paper, section 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .cross_entropy_by_bands import cross_entropy_by_bands
from .fast_paths import fast_path


def upsampled_cross_entropy(
    logits: Tensor, labels: Tensor, ignore_index: int = 255, weights: Tensor | None = None
) -> Tensor:
    """Cross entropy of logits that are first upsampled bilinearly to the size of the labels.

    Nothing of that size is kept for the backward pass: with 847 classes, six layers of two 512x512 images
    would hold 10 GB.

    Args:
        logits: ``(B, K, h, w)`` class logits.
        labels: ``(B, H, W)`` integer classes, or ``ignore_index``.
        ignore_index: Label of pixels that do not count.
        weights: ``(K,)`` weights of the classes; None for 1.

    Returns:
        Scalar, mean over the counted pixels of the batch, weighted by their classes; zero if there are none.
    """
    counted = labels != ignore_index
    classes = torch.where(counted, labels, 0).long()
    pixel_weights = counted.float() if weights is None else weights[classes] * counted
    with torch.autocast(logits.device.type, enabled=False):
        if fast_path('cross_entropy_by_bands'):
            if logits.dtype in (torch.float16, torch.bfloat16):
                logits = logits.float()
            total = cross_entropy_by_bands(logits, classes, pixel_weights)
        else:
            total = checkpoint(
                _weighted_sum, logits, classes, pixel_weights, use_reentrant=False, preserve_rng_state=False
            )
    return total / pixel_weights.sum().clamp(min=torch.finfo(torch.float32).tiny)


def _weighted_sum(logits: Tensor, classes: Tensor, pixel_weights: Tensor) -> Tensor:
    """The plain form of `cross_entropy_by_bands`."""
    upsampled = upsample(logits, (classes.shape[-2], classes.shape[-1]))
    return (F.cross_entropy(upsampled, classes, reduction='none') * pixel_weights).sum()


def upsample(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """``(B, K, h, w)`` logits -> ``(B, K, *size)`` float32, bilinear."""
    return F.interpolate(logits.float(), size=size, mode='bilinear', align_corners=False)
