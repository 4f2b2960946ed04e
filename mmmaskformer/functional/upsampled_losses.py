"""Mask losses at full resolution in memory of the predictions' resolution.

Bilinear upsampling is linear, so its adjoint brings a gradient at full resolution back to the prediction's.
Here that happens in the forward pass already, a few masks at a time: tensors of full resolution live for one
chunk of masks only. Exact, not point-sampled; `models.losses.mask_losses` has the formulas, and the plain
form that this is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .devices import budget, small_pieces

# Pixels of masks in work at a time, each of up to 32 bytes: on a CPU few enough to stay in its cache, and
# never more than a twelfth of the masks; on a GPU 1 GiB, which holds 128 masks of 512x512.
CHUNK_PIXELS = {'cpu': 2**20, 'cuda': 2**25}
SMALLEST_NUM_CHUNKS = 12


class MaskPixels(NamedTuple):
    """Upsampled masks as the formulas see them: each pixel has a right side, given by the target.

    Attributes:
        side: ``(M, H, W)``, 1 inside the target, -1 outside.
        against: ``(M, H, W)`` logits of the wrong side, minus ``side`` times the mask logits.
        missed: ``(M, H, W)`` probability of the wrong side, the sigmoid of ``against``; 0 where not valid.
        areas: ``(M,)`` valid pixels of the targets.
        counted: ``(M,)`` valid pixels of the images, at least one.
        valid: ``(M, H, W)``, 1 for pixels that count, else 0; None if all do.
    """

    side: Tensor
    against: Tensor
    missed: Tensor
    areas: Tensor
    counted: Tensor
    valid: Tensor | None


# Per-mask values (M,) and d value / d mask logits (M, H, W)
ValueAndGrad = Callable[[MaskPixels], tuple[Tensor, Tensor]]


def upsampled_mask_losses(
    logits: Tensor,
    targets: Tensor,
    index: Tensor,
    formulas: Sequence[ValueAndGrad],
    valid: Tensor | None = None,
    chunk_pixels: int | None = None,
) -> Tensor:
    """Per-mask losses at the targets' resolution, exact, in memory of the predictions' resolution.

    Equals bilinear upsampling (align_corners=False) followed by the plain formulas, in value and gradient.
    Runs in float32 under any autocast; deterministic; not differentiable twice.

    Args:
        logits: ``(M, h, w)`` matched mask logits, of any number of layers and images.
        targets: ``(S, H, W)`` bool masks.
        index: ``(M,)`` target of each prediction.
        formulas: Losses, each giving value and gradient.
        valid: ``(S, H, W)`` bool, pixels that count for each target; None counts all.
        chunk_pixels: Pixels of masks in work at a time, each of up to 32 bytes; None takes ``CHUNK_PIXELS``.

    Returns:
        ``(len(formulas), M)`` float32 (float64 for float64 logits).
    """
    with torch.autocast(logits.device.type, enabled=False):
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        return _UpsampledMaskLosses.apply(logits, targets, index, tuple(formulas), valid, chunk_pixels)


class _UpsampledMaskLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        targets: Tensor,
        index: Tensor,
        formulas: Sequence[ValueAndGrad],
        valid: Tensor | None,
        chunk_pixels: int | None,
    ) -> Tensor:
        size = targets.shape[-2:]
        values = logits.new_zeros(len(formulas), len(logits))
        grads = logits.new_zeros(len(formulas), *logits.shape) if ctx.needs_input_grad[0] else None
        adjoint = _UpsamplingAdjoint(logits, size)
        areas, counted = _count_pixels(targets, valid, logits.dtype)
        for part in chunks(len(logits), size.numel(), logits.device, chunk_pixels):
            picked = index[part]
            counts = areas[picked], counted[picked]
            chosen = None if valid is None else valid[picked]
            pixels = _mask_pixels(logits[part], targets[picked], *counts, chosen)
            for i, formula in enumerate(formulas):
                values[i, part], grad = formula(pixels)
                if grads is not None:
                    adjoint.write(grad, grads[i, part])
        ctx.grads = grads
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_values: Tensor) -> tuple[Tensor | None, ...]:
        grad = torch.einsum('fm,fmhw->mhw', grad_values, ctx.grads)
        return grad, None, None, None, None, None


def chunks(
    num_masks: int, num_pixels: int, device: torch.device, chunk_pixels: int | None = None
) -> list[slice]:
    """Which masks are in work together.

    Args:
        num_masks: All masks.
        num_pixels: Pixels of each.
        device: A CPU takes twelve parts and more; a GPU as few as the budget allows, of equal sizes.
        chunk_pixels: The budget; None takes ``CHUNK_PIXELS``.

    Example:
        >>> chunks(12, 512 * 512, torch.device('cuda'), chunk_pixels=2**21)
        [slice(0, 6, None), slice(6, 12, None)]
    """
    pixels = budget(CHUNK_PIXELS, device) if chunk_pixels is None else chunk_pixels
    step = max(1, pixels // max(1, num_pixels))
    if small_pieces(device):
        step = max(1, min(step, num_masks // SMALLEST_NUM_CHUNKS))
    elif num_masks:
        step = math.ceil(num_masks / math.ceil(num_masks / step))
    return [slice(start, start + step) for start in range(0, num_masks, step)]


def _mask_pixels(
    logits: Tensor, targets: Tensor, areas: Tensor, counted: Tensor, valid: Tensor | None
) -> MaskPixels:
    """Pixels of ``(M, h, w)`` logits at the size of their ``(M, H, W)`` targets."""
    side = targets.to(logits.dtype).mul_(2).sub_(1)
    upsampled = F.interpolate(logits[None], size=targets.shape[-2:], mode='bilinear', align_corners=False)[0]
    against = upsampled.mul_(side).neg_()
    missed = against.sigmoid()
    if valid is not None:
        valid = valid.to(logits.dtype)
        missed.mul_(valid)
    return MaskPixels(side, against, missed, areas, counted, valid)


def _count_pixels(targets: Tensor, valid: Tensor | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Pixels of each target, and pixels it is averaged over, ``(S,)`` each."""
    if valid is None:
        areas = targets.sum((1, 2))
        counted = torch.full_like(areas, targets.shape[-2:].numel())
    else:
        areas, counted = (targets & valid).sum((1, 2)), valid.sum((1, 2))
    return areas.to(dtype), counted.clamp(min=1).to(dtype)


class _UpsamplingAdjoint:
    """Brings gradients at the targets' resolution back to that of the logits.

    On a GPU these are two products with the matrices of resizing, columns first: that is one product of two
    matrices, whatever the number of masks.

    Args:
        logits: ``(M, h, w)``.
        size: Height and width of the targets.
    """

    def __init__(self, logits: Tensor, size: torch.Size):
        self.height = logits.shape[-2]
        self.columns = linear_resize_matrix(logits.shape[-1], size[1], logits)
        self.rows = None
        if not small_pieces(logits.device):
            self.rows = linear_resize_matrix(self.height, size[0], logits).T.contiguous()

    def write(self, grad: Tensor, out: Tensor) -> None:
        """``(M, H, W)`` -> ``(M, h, w)`` into ``out``."""
        if self.rows is None:
            torch.matmul(resize_rows_adjoint(grad, self.height), self.columns, out=out)
        else:
            torch.matmul(self.rows, grad @ self.columns, out=out)


def resize_rows_adjoint(grad: Tensor, height: int) -> Tensor:
    """Adjoint of linear resizing of the rows: ``(M, H, W)`` -> ``(M, height, W)``.

    Where H is a multiple s of the height, each phase of s rows adds to its own row and to one neighbor: sums
    of slices, on a CPU several times faster than a product with the matrix.
    """
    factor, rest = divmod(grad.shape[1], height)
    if rest:
        return linear_resize_matrix(height, grad.shape[1], grad).T @ grad
    total = grad.new_zeros(len(grad), height, grad.shape[2])
    for i, phase in enumerate(grad.unflatten(1, (height, factor)).unbind(2)):
        offset = (i + 0.5) / factor - 0.5  # from the center of the coarse row; beyond the border counts there
        total.add_(phase, alpha=1 - abs(offset))
        if offset < 0:
            total[:, :-1].add_(phase[:, 1:], alpha=-offset)
            total[:, :1].add_(phase[:, :1], alpha=-offset)
        elif offset > 0:
            total[:, 1:].add_(phase[:, :-1], alpha=offset)
            total[:, -1:].add_(phase[:, -1:], alpha=offset)
    return total


def linear_resize_matrix(source: int, target: int, like: Tensor) -> Tensor:
    """``(target, source)`` weights of 1-D linear resizing, as ``F.interpolate`` has them."""
    unit = torch.eye(source, dtype=like.dtype, device=like.device)[None]
    return F.interpolate(unit, size=target, mode='linear', align_corners=False)[0].T.contiguous()
