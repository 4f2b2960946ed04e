"""Triton kernels of the mask losses; imported by `fused_mask_losses` alone, because Triton is not everywhere.

Both kernels upsample a pixel where they need it, so no tensor of full resolution is made. `mask_sums` adds up
what focal and dice loss are made of; `mask_gradients` gathers, for each cell of the prediction, the
derivatives of the pixels that it is interpolated into. Nothing is added atomically, so results are
deterministic.

Logits are ``(M, h, w)``, targets and valid pixels ``(S, H, W)`` bytes, all contiguous, ``index`` is ``(M,)``
int64, and a program handles one part of one mask.
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _neighbors(pixel, scale, size):
    """The two cells that a pixel is interpolated from, and the weight of the second."""
    position = tl.maximum((pixel.to(tl.float32) + 0.5) * scale - 0.5, 0.0)
    first = tl.minimum(position.to(tl.int32), size - 1)
    return first, tl.minimum(first + 1, size - 1), position - first.to(tl.float32)


@triton.jit
def _first_pixel(cell, num_cells, num_pixels):
    """The first pixel that can be interpolated from a cell; it may lie before the image.

    These are the pixels from cell - 1 to cell + 1, both excluded. The numerator is kept positive, where
    integer division means the same everywhere.
    """
    numerator = (2 * cell - 1) * num_pixels - num_cells + 2 * num_cells * num_pixels
    return numerator // (2 * num_cells) + 1 - num_pixels


@triton.jit
def _interpolate(logits, above, below, row_weight, x, scale, w):
    """Bilinear values at pixels whose rows ``above`` and ``below`` are known."""
    left, right, weight = _neighbors(x, scale, w)
    upper = tl.load(logits + above * w + left).to(tl.float32) * (1 - weight)
    upper += tl.load(logits + above * w + right).to(tl.float32) * weight
    lower = tl.load(logits + below * w + left).to(tl.float32) * (1 - weight)
    lower += tl.load(logits + below * w + right).to(tl.float32) * weight
    return upper * (1 - row_weight) + lower * row_weight


@triton.jit
def _missed(logit, inside, gamma: tl.constexpr):
    """Probability of the wrong side, its power gamma, and cross entropy of each pixel.

    log(1 + e) for e in (0, 1] is 2 atanh(e / (2 + e)), as a series: exact to rounding where e is small, too,
    which a GPU's logarithm is not.
    """
    against = tl.where(inside, -logit, logit)
    small = tl.exp(-tl.abs(against))
    root = small / (2 + small)
    square = root * root
    series = 0.2 + square * (1 / 7 + square * (1 / 9 + square * (1 / 11 + square * (1 / 13))))
    log_term = 2 * root * (1 + square * (1 / 3 + square * series))
    missed = tl.where(against >= 0, 1.0, small) / (1 + small)
    power = missed * missed if gamma == 2.0 else tl.exp(-gamma * (tl.maximum(-against, 0.0) + log_term))
    return missed, power, tl.maximum(against, 0.0) + log_term


@triton.jit
def mask_sums(
    logits, targets, valid, index, sums, h, w, H, W, scale_y, scale_x, num_parts,
    alpha: tl.constexpr, gamma: tl.constexpr, has_valid: tl.constexpr, block: tl.constexpr,
    steps: tl.constexpr,
):  # fmt: skip
    """``sums (M, parts, 5)``: focal loss, missed inside, missed outside, area, and counted pixels."""
    mask, part = tl.program_id(0) // num_parts, tl.program_id(0) % num_parts
    logits += mask.to(tl.int64) * h * w
    start = tl.load(index + mask) * H * W
    focal = tl.zeros((block,), tl.float32)
    missed_inside = tl.zeros((block,), tl.float32)
    missed_outside = tl.zeros((block,), tl.float32)
    area = tl.zeros((block,), tl.float32)
    counted = tl.zeros((block,), tl.float32)
    for step in range(steps):
        pixel = (part * steps + step) * block + tl.arange(0, block)
        in_image = pixel < H * W
        inside = tl.load(targets + start + pixel, mask=in_image, other=0) != 0
        counts = in_image.to(tl.float32)
        if has_valid:
            counts = tl.load(valid + start + pixel, mask=in_image, other=0).to(tl.float32)
        above, below, row_weight = _neighbors(pixel // W, scale_y, h)
        logit = _interpolate(logits, above, below, row_weight, pixel % W, scale_x, w)
        missed, power, entropy = _missed(logit, inside, gamma)
        counts_inside = tl.where(inside, counts, 0.0)
        focal += tl.where(inside, alpha, 1 - alpha) * power * entropy * counts
        missed_inside += missed * counts_inside
        missed_outside += missed * (counts - counts_inside)
        area += counts_inside
        counted += counts
    sums += tl.program_id(0).to(tl.int64) * 5
    tl.store(sums, tl.sum(focal, axis=0))
    tl.store(sums + 1, tl.sum(missed_inside, axis=0))
    tl.store(sums + 2, tl.sum(missed_outside, axis=0))
    tl.store(sums + 3, tl.sum(area, axis=0))
    tl.store(sums + 4, tl.sum(counted, axis=0))


@triton.jit
def mask_gradients(
    logits, targets, valid, index, factors, grads, h, w, H, W, scale_y, scale_x, num_parts,
    reach: tl.constexpr, columns: tl.constexpr, gamma: tl.constexpr, has_valid: tl.constexpr,
    block: tl.constexpr,
):  # fmt: skip
    """``grads (M, h, w)`` by ``factors (M, 4)``: focal inside and outside, dice inside and outside.

    The pixels of ``block`` cells are ``reach`` rows of ``(block, columns)``.
    """
    mask, part = tl.program_id(0) // num_parts, tl.program_id(0) % num_parts
    logits += mask.to(tl.int64) * h * w
    start = tl.load(index + mask) * H * W
    factors += mask * 4
    focal_inside, focal_outside = tl.load(factors), tl.load(factors + 1)
    dice_inside, dice_outside = tl.load(factors + 2), tl.load(factors + 3)
    cell = part * block + tl.arange(0, block)
    row, column = (cell // w)[:, None], (cell % w)[:, None]
    x = _first_pixel(column, w, W) + tl.arange(0, columns)[None, :]
    left, right, weight = _neighbors(x, scale_x, w)
    share_x = tl.where(left == column, 1 - weight, 0.0) + tl.where(right == column, weight, 0.0)
    share_x = tl.where((x >= 0) & (x < W), share_x, 0.0)
    total = tl.zeros((block, columns), tl.float32)
    for dy in range(reach):
        y = _first_pixel(row, h, H) + dy
        above, below, row_weight = _neighbors(y, scale_y, h)
        share_y = tl.where(above == row, 1 - row_weight, 0.0) + tl.where(below == row, row_weight, 0.0)
        share = share_x * tl.where((y >= 0) & (y < H), share_y, 0.0)
        pixel, counts = start + y * W + x, share != 0
        inside = tl.load(targets + pixel, mask=counts, other=0) != 0
        if has_valid:
            share *= tl.load(valid + pixel, mask=counts, other=0).to(tl.float32)
        logit = _interpolate(logits, above, below, row_weight, x, scale_x, w)
        missed, power, entropy = _missed(logit, inside, gamma)
        slope = power * (gamma * (1 - missed) * entropy + missed)
        focal = tl.where(inside, focal_inside, focal_outside) * slope
        total += share * (focal + tl.where(inside, dice_inside, dice_outside) * missed * (1 - missed))
    cells = grads + mask.to(tl.int64) * h * w + cell
    tl.store(cells, tl.sum(total, axis=1).to(grads.dtype.element_ty), mask=cell < h * w)
