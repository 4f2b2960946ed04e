"""Losses of matched masks: the fused form on CUDA, where it works, or the plain form.

Before its first use with a device, type and settings, the fused form is compared with the plain form on a
small case. Where Triton cannot compile or launch (no C compiler, an old GPU), or results differ, a warning
says so and the plain form runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from ...functional.fast_paths import fast_path
from ...functional.fused_mask_losses import FocalAndDice, fused_mask_losses
from ...functional.upsampled_losses import upsampled_mask_losses
from .mask_losses import MaskDiceLoss, MaskFocalLoss, MaskLoss

DEVICES = {'cuda'}
TOLERANCES = {
    torch.float32: 1e-5,
    torch.float16: 1e-4,
    torch.bfloat16: 1e-3,
}  # gradients are rounded to these


def matched_mask_losses(
    terms: Sequence[MaskLoss],
    logits: Tensor,
    targets: Tensor,
    index: Tensor,
    valid: Tensor | None = None,
    chunk_pixels: int | None = None,
) -> Tensor:
    """Unweighted values ``(len(terms), M)`` of matched masks.

    Args:
        terms: Losses.
        logits: ``(M, h, w)`` matched mask logits, of any number of layers and images.
        targets: ``(S, H, W)`` bool masks.
        index: ``(M,)`` target of each prediction.
        valid: ``(S, H, W)`` bool, pixels that count for each target; None counts all.
        chunk_pixels: Pixels that the plain form has in work at a time; see `upsampled_mask_losses`.
    """
    settings = _settings(terms)
    if (
        settings is not None
        and _is_for_kernels(logits, targets, valid)
        and _works(logits.device, logits.dtype, valid is not None, settings)
    ):
        return fused_mask_losses(logits, targets, index, settings, valid)
    formulas = [term.value_and_grad for term in terms]
    return upsampled_mask_losses(logits, targets, index, formulas, valid, chunk_pixels)


def _settings(terms: Sequence[MaskLoss]) -> FocalAndDice | None:
    """Settings of focal and dice loss, in this order; None if the terms are others."""
    focal, dice = terms
    if type(focal) is MaskFocalLoss and type(dice) is MaskDiceLoss:
        return FocalAndDice(focal.alpha, focal.gamma, dice.smooth)
    return None


def _is_for_kernels(logits: Tensor, targets: Tensor, valid: Tensor | None) -> bool:
    """Whether the kernels take these tensors, and there is Triton."""
    return (
        logits.device.type in DEVICES
        and fast_path('fused_mask_losses')
        and logits.dtype in TOLERANCES
        and {targets.dtype, torch.bool if valid is None else valid.dtype} == {torch.bool}
        and find_spec('triton') is not None
    )


@cache
def _works(device: torch.device, dtype: torch.dtype, has_valid: bool, settings: FocalAndDice) -> bool:
    """Whether the kernels run here and give what the plain form gives, on a small case."""
    try:
        difference = _difference(device, dtype, has_valid, settings)
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # whatever Triton, its compiler or the driver raises
        fault = f'cannot run ({type(error).__name__}: {error})'
    else:
        if difference <= TOLERANCES[dtype]:
            return True
        fault = f'differ from the plain form by {difference:.2g}'
    warnings.warn(
        f'The fused mask losses on {device} in {dtype} {fault}. Training goes on with the plain form, which '
        "gives the same losses and is slower. fast_paths.SWITCHES['fused_mask_losses'] = False, in "
        'mmmaskformer.functional, turns the fused form off without a trial.',
        stacklevel=2,
    )
    return False


def _difference(device: torch.device, dtype: torch.dtype, has_valid: bool, settings: FocalAndDice) -> float:
    """The largest difference in values and gradients on a small case; random states stay as they are."""
    terms = [MaskFocalLoss(1.0, settings.alpha, settings.gamma), MaskDiceLoss(1.0, settings.smooth)]
    waves = torch.linspace(0, 300, 60 + 840, device=device).sin()
    logits = (4 * waves[:60]).reshape(2, 5, 6).to(dtype).requires_grad_()
    targets = waves[60:].reshape(2, 20, 21) > 0.2
    index = torch.tensor([1, 0], device=device)
    valid = waves[60:].reshape(2, 20, 21) < 0.7 if has_valid else None
    formulas = [term.value_and_grad for term in terms]
    results = []
    with torch.enable_grad():
        for values in (
            fused_mask_losses(logits, targets, index, settings, valid),
            upsampled_mask_losses(logits, targets, index, formulas, valid),
        ):
            (grad,) = torch.autograd.grad(values.sum(), logits)
            results.append(torch.cat([values.detach().flatten(), grad.float().flatten()]))
    return float((results[0] - results[1]).abs().max().nan_to_num(torch.inf))
