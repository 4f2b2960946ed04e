"""Cross entropy of upsampled logits, a band of rows at a time, in memory of the predictions' resolution.

The gradient goes back to the prediction's resolution in the forward pass already, as that of the mask losses
does (functional/upsampled_losses.py): logits and softmax of full resolution live for one band only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .resizing import bands
from .upsampled_losses import linear_resize_matrix

# Values in work at a time: on a CPU so few that several passes over them stay in its cache.
BAND_VALUES = {'cpu': 2**17, 'cuda': 2**26}


def cross_entropy_by_bands(logits: Tensor, labels: Tensor, pixel_weights: Tensor) -> Tensor:
    """Sum over pixels of weight times cross entropy, of logits that are first upsampled bilinearly.

    Args:
        logits: ``(B, K, h, w)`` float class logits.
        labels: ``(B, H, W)`` int64 classes, any class where the weight is 0.
        pixel_weights: ``(B, H, W)`` weights of the pixels.

    Returns:
        Scalar.
    """
    return _CrossEntropyByBands.apply(logits, labels, pixel_weights.to(logits.dtype))


class _CrossEntropyByBands(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, pixel_weights: Tensor) -> Tensor:
        num_rows, num_columns = labels.shape[-2:]
        rows = linear_resize_matrix(logits.shape[2], num_rows, logits)
        columns = linear_resize_matrix(logits.shape[3], num_columns, logits)
        needs_grad = ctx.needs_input_grad[0]
        total = logits.new_zeros(())
        grads = []
        for image, image_labels, weights in zip(logits, labels, pixel_weights):
            wide = image @ columns.T
            wide_grad = torch.zeros_like(wide) if needs_grad else None
            for start, stop in bands(num_rows, wide.shape[0] * num_columns, logits.device, BAND_VALUES):
                first, last = _sources(start, stop, wide.shape[1], num_rows)
                resize = rows[start:stop, first:last]
                value, grad = _value_and_grad(
                    resize @ wide[:, first:last], image_labels[start:stop], weights[start:stop]
                )
                total += value
                if wide_grad is not None:
                    wide_grad[:, first:last] += resize.T @ grad
            if wide_grad is not None:
                grads.append(wide_grad @ columns)
        ctx.grad = torch.stack(grads) if grads else None
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_total: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.grad * grad_total, None, None


def _sources(start: int, stop: int, height: int, num_rows: int) -> tuple[int, int]:
    """First and last + 1 of the coarse rows that the rows ``[start, stop)`` are made of."""
    first = ((2 * start + 1) * height - num_rows) // (2 * num_rows)
    last = ((2 * stop - 1) * height - num_rows) // (2 * num_rows) + 2
    return max(0, first), min(height, last)


def _value_and_grad(logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sum of the cross entropy of ``(K, r, W)`` logits, which are overwritten, and its gradient."""
    logits -= logits.amax(0)
    chosen = logits.gather(0, labels[None])[0]
    exponentials = logits.exp_()
    sums = exponentials.sum(0)
    value = ((sums.log() - chosen) * weights).sum()
    grad = exponentials.mul_(weights / sums)
    grad.scatter_add_(0, labels[None], -weights[None])
    return value, grad
