"""What holds of the mask losses whatever the masks: the plain, the pairwise and the fused form."""

from __future__ import annotations

from typing import NamedTuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_upsampled_losses import FORMULAS, plain_losses
from torch import Tensor

from mmmaskformer.functional.upsampled_losses import upsampled_mask_losses
from mmmaskformer.models.losses.mask_losses import pairwise_dice, pairwise_focal

SIDES = st.integers(1, 9)


class Case(NamedTuple):
    logits: Tensor  # (M, h, w)
    targets: Tensor  # (S, H, W)
    index: Tensor  # (M,)
    valid: Tensor | None  # (S, H, W)


@st.composite
def cases(draw, largest: float = 60.0) -> Case:
    """Masks of any sizes, empty and full ones among them, right and wrong to any degree."""
    num_masks, num_targets = draw(st.integers(0, 5)), draw(st.integers(1, 3))
    small, large = (draw(st.tuples(SIDES, SIDES)) for _ in range(2))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    scale, share, seen = draw(st.floats(0, largest)), draw(st.floats(0, 1)), draw(st.floats(0, 1))
    valid = torch.rand(num_targets, *large, generator=generator) < seen if draw(st.booleans()) else None
    return Case(
        scale * torch.randn(num_masks, *small, generator=generator),
        torch.rand(num_targets, *large, generator=generator) <= share,
        torch.randint(0, num_targets, (num_masks,), generator=generator),
        valid,
    )


def fused(case: Case) -> Tensor:
    return upsampled_mask_losses(case.logits, case.targets, case.index, FORMULAS, case.valid)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_finite_not_negative_and_dice_below_one(case):
    focal, dice = fused(case)
    assert focal.isfinite().all()
    assert (focal >= -1e-6).all()
    assert ((dice >= -1e-6) & (dice < 1)).all()


@settings(max_examples=150, deadline=None)
@given(cases(largest=6.0))
def test_fused_form_equals_plain_form(case):
    logits = case.logits.double().requires_grad_()
    case = case._replace(logits=logits)
    ours, plain = fused(case), plain_losses(*case)
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)
    weights = torch.rand(ours.shape, dtype=ours.dtype)
    grads = [torch.autograd.grad((values * weights).sum(), logits)[0] for values in (ours, plain)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_masks_and_of_targets_does_not_matter(case, random):
    masks, targets = (random.sample(range(len(part)), len(part)) for part in (case.logits, case.targets))
    place = torch.tensor(targets).argsort()
    mixed = Case(
        case.logits[masks],
        case.targets[targets],
        place[case.index[masks]],
        None if case.valid is None else case.valid[targets],
    )
    torch.testing.assert_close(fused(mixed), fused(case)[:, masks], rtol=1e-5, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_pairwise_form_does_not_see_the_order_of_pixels(case, random):
    """And is finite, not negative, and the same for a pair whatever the others are."""
    rows = torch.randn(4, case.targets[0].numel()) * 20
    targets = case.targets.flatten(1).float()
    valid = None if case.valid is None else case.valid[0].flatten().float()
    order = random.sample(range(rows.shape[1]), rows.shape[1])
    for form in (pairwise_focal, pairwise_dice):
        costs = form(rows, targets, valid)
        assert costs.isfinite().all()
        assert (costs >= -1e-5).all()
        mixed = form(rows[:, order], targets[:, order], None if valid is None else valid[order])
        torch.testing.assert_close(mixed, costs, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(form(rows[1:2], targets[:1], valid), costs[1:2, :1], rtol=1e-4, atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_pixels_that_do_not_count_have_no_say(case):
    if case.valid is None:
        return
    flipped = case._replace(targets=case.targets ^ ~case.valid)
    torch.testing.assert_close(fused(flipped), fused(case), rtol=1e-5, atol=1e-6)
