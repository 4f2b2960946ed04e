from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmaskformer.functional.mask_losses import (
    CHUNK_PIXELS,
    dice_loss,
    dice_value_and_grad,
    focal_loss,
    focal_value_and_grad,
    pairwise_dice,
    pairwise_focal,
    upsampled_mask_losses,
)

FORMULAS = [focal_value_and_grad, dice_value_and_grad]


def plain_losses(logits: Tensor, targets: Tensor, index: Tensor, valid: Tensor | None = None) -> Tensor:
    """The reference: upsample everything, then the plain formulas, differentiated by autograd."""
    upsampled = F.interpolate(logits[:, None], size=targets.shape[-2:], mode='bilinear', align_corners=False)
    rows, masks = upsampled.flatten(1), targets[index].flatten(1)
    counted = None if valid is None else valid[index].flatten(1)
    return torch.stack([focal_loss(rows, masks, counted), dice_loss(rows, masks, counted)])


def test_dice_half_covered():
    logits = torch.tensor([[20.0, 20.0, -20.0, -20.0]])
    loss = dice_loss(logits, torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    torch.testing.assert_close(loss, torch.tensor([0.25]))  # 1 - (2+1)/(2+1+1)


def test_focal_undecided():
    """At p = 1/2: a * (1/2)^2 * log 2, with a = 1/4 for foreground and 3/4 for background."""
    loss = focal_loss(torch.zeros(1, 4), torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    torch.testing.assert_close(loss, torch.tensor([(0.25 + 3 * 0.75) / 4 * 0.25 * math.log(2)]))


@pytest.mark.parametrize('with_valid', [False, True])
def test_diagonal_of_the_pairwise_form_is_the_matched_form(with_valid):
    logits, targets = torch.randn(5, 40), (torch.rand(5, 40) > 0.6).float()
    valid = (torch.rand(40) > 0.3).float() if with_valid else None
    rows = None if valid is None else valid.expand(5, -1)
    torch.testing.assert_close(
        pairwise_focal(logits, targets, valid).diag(), focal_loss(logits, targets, rows)
    )
    torch.testing.assert_close(pairwise_dice(logits, targets, valid).diag(), dice_loss(logits, targets, rows))


@pytest.mark.parametrize('with_valid', [False, True])
@pytest.mark.parametrize('size', [(28, 36), (7, 9), (29, 33)])
def test_upsampling_form_equals_plain_form(size, with_valid, monkeypatch):
    monkeypatch.setitem(CHUNK_PIXELS, 'cpu', 2 * size[0] * size[1])  # several chunks, the last one short
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


def test_padding_a_mask_with_confident_background_leaves_dice_alone():
    logits, targets = torch.randn(2, 30), (torch.rand(2, 30) > 0.5).float()
    padded = F.pad(logits, (0, 10), value=-100.0)
    torch.testing.assert_close(dice_loss(padded, F.pad(targets, (0, 10))), dice_loss(logits, targets))
