"""The fused mask losses on a GPU: numbers, memory, and that training takes them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / 'functional'))

from fused_cases import CASES, difference, random_cases

from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.models.losses import matched_mask_losses as choice
from mmmaskformer.models.losses.mask_losses import MaskDiceLoss, MaskFocalLoss

pytestmark = pytest.mark.skipif(not importlib.util.find_spec('triton'), reason='Triton is not installed')
TERMS = [MaskFocalLoss(), MaskDiceLoss()]
ALL = {**CASES, **random_cases(12)}
FEW = ('valid', 'no factor', 'no masks', 'bf16', 'many programs')  # each is compiled


@pytest.mark.parametrize('name', [pytest.param(n, marks=[] if n in FEW else pytest.mark.soak) for n in ALL])
def test_kernels_equal_plain_formulas(gpu, name):
    assert difference(ALL[name], gpu) < 1


def step(logits: torch.Tensor, targets: torch.Tensor, index: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Gradient, and the bytes that were needed at once."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    values = choice.matched_mask_losses(TERMS, logits, targets, index)
    (grad,) = torch.autograd.grad(values.sum(), logits)
    return grad, torch.cuda.max_memory_allocated() - before


@pytest.mark.filterwarnings('error')
def test_training_takes_them_and_needs_no_tensor_of_full_resolution(gpu):
    logits = torch.randn(108, 128, 128, device=gpu, requires_grad=True)
    targets = torch.rand(18, 512, 512, device=gpu) > 0.5
    index = torch.arange(108, device=gpu) % 18
    step(logits, targets, index)  # the trial, and compilation
    grad, peak = step(logits, targets, index)
    again, _ = step(logits, targets, index)
    with plain_functions():
        plain, _ = step(logits, targets, index)
    torch.testing.assert_close(grad, plain, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(grad, again, rtol=0, atol=0)
    assert peak < 2 * logits.nbytes + 2**20  # the gradient, and little besides
