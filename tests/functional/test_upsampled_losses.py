from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmaskformer.functional import upsampled_losses
from mmmaskformer.functional.upsampled_losses import (
    CHUNK_PIXELS,
    chunks,
    linear_resize_matrix,
    resize_rows_adjoint,
    upsampled_mask_losses,
)
from mmmaskformer.models.losses.mask_losses import (
    dice_loss,
    dice_value_and_grad,
    focal_loss,
    focal_value_and_grad,
)

CPU, CUDA = torch.device('cpu'), torch.device('cuda')
FORMULAS = [focal_value_and_grad, dice_value_and_grad]


def plain_losses(logits: Tensor, targets: Tensor, index: Tensor, valid: Tensor | None = None) -> Tensor:
    """The reference: upsample everything, then the plain formulas, differentiated by autograd."""
    upsampled = F.interpolate(logits[:, None], size=targets.shape[-2:], mode='bilinear', align_corners=False)
    rows, masks = upsampled.flatten(1), targets[index].flatten(1)
    counted = None if valid is None else valid[index].flatten(1)
    return torch.stack([focal_loss(rows, masks, counted), dice_loss(rows, masks, counted)])


@pytest.mark.parametrize('with_valid', [False, True])
@pytest.mark.parametrize('size', [(28, 36), (7, 9), (29, 33)])
def test_upsampling_form_equals_plain_form(size, with_valid, monkeypatch):
    monkeypatch.setitem(CHUNK_PIXELS, 'cpu', 2 * size[0] * size[1])  # several chunks, the last one short
    monkeypatch.setattr(upsampled_losses, 'SMALLEST_NUM_CHUNKS', 1)
    logits = torch.randn(5, 7, 9, requires_grad=True)
    targets, index = torch.rand(3, *size) > 0.5, torch.tensor([0, 2, 1, 1, 0])
    valid = torch.rand(3, *size) > 0.3 if with_valid else None
    weights = torch.rand(2, 5)
    ours, plain = upsampled_mask_losses(logits, targets, index, FORMULAS, valid), None
    (our_grad,) = torch.autograd.grad((ours * weights).sum(), logits)
    plain = plain_losses(logits, targets, index, valid)
    (plain_grad,) = torch.autograd.grad((plain * weights).sum(), logits)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(our_grad, plain_grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize('settings', [dict(alpha=0.25, gamma=2.0), dict(alpha=0.4, gamma=1.5)])
def test_gradcheck(settings):
    def focal(*args):
        return focal_value_and_grad(*args, **settings)

    logits = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    targets, index = torch.rand(2, 8, 10) > 0.5, torch.tensor([1, 0, 1])
    assert torch.autograd.gradcheck(
        lambda x: upsampled_mask_losses(x, targets, index, [focal, dice_value_and_grad]), logits
    )


def test_what_is_kept_for_backward_has_the_resolution_of_the_predictions():
    logits = torch.randn(6, 8, 8, requires_grad=True)
    losses = upsampled_mask_losses(logits, torch.rand(2, 128, 128) > 0.5, torch.zeros(6).long(), FORMULAS)
    assert losses.grad_fn.grads.shape == (2, 6, 8, 8)
    assert not losses.grad_fn.saved_tensors


def test_no_masks_give_connected_zeros():
    logits = torch.randn(0, 4, 4, requires_grad=True)
    losses = upsampled_mask_losses(logits, torch.zeros(0, 8, 8).bool(), torch.zeros(0).long(), FORMULAS)
    losses.sum().backward()
    assert losses.shape == (2, 0)
    assert logits.grad.shape == logits.shape


@pytest.mark.parametrize('sign', [-1, 1])
def test_extreme_logits_are_finite(sign):
    logits = torch.full((2, 4, 4), sign * 1e4, requires_grad=True)
    targets = torch.tensor([0.0, 1.0])[:, None, None].expand(2, 8, 8) > 0.5
    losses = upsampled_mask_losses(logits, targets, torch.arange(2), FORMULAS)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize('height', [12, 8, 3, 1])
def test_adjoint_of_row_resizing_is_the_transposed_matrix(height):
    grad = torch.randn(2, 24, 5, dtype=torch.float64)
    matrix = linear_resize_matrix(height, 24, grad)
    torch.testing.assert_close(resize_rows_adjoint(grad, height), matrix.T @ grad)


@pytest.mark.parametrize('confidence', [1.0, 8.0, 40.0])
def test_float32_sums_over_many_pixels_are_exact_to_1e_5(confidence):
    """Small and large targets, right and wrong predictions, from undecided to certain."""
    squares = torch.zeros(4, 256, 256, dtype=torch.bool)
    for i, side in enumerate((3, 20, 100, 250)):
        squares[i, :side, :side] = True
    targets, index = squares, torch.tensor([0, 1, 2, 3, 0, 3])
    right = F.interpolate(targets[index][:, None].float(), size=(64, 64), mode='area')[:, 0] * 2 - 1
    right[4:] = -right[4:]  # the last two are all wrong
    logits = (confidence * right + torch.randn_like(right)).requires_grad_()
    losses = upsampled_mask_losses(logits, targets, index, FORMULAS)
    exact_logits = logits.detach().double().requires_grad_()
    exact = plain_losses(exact_logits, targets, index)
    for ours, theirs in zip(losses, exact):
        (grad,) = torch.autograd.grad(ours.sum(), logits, retain_graph=True)
        (exact_grad,) = torch.autograd.grad(theirs.sum(), exact_logits, retain_graph=True)
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-7)
        assert (grad - exact_grad).abs().max() <= 1e-5 * exact_grad.abs().max()


def test_few_masks_are_taken_one_at_a_time_so_that_they_need_little_memory():
    assert len(chunks(12, 512 * 512, CPU)) == 12
    assert chunks(500, 512 * 512, CPU)[1] == slice(4, 8)
