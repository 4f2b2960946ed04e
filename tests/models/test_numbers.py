"""Predictions of any size, under mixed precision: what reaches the assignment, and what the losses say."""

from __future__ import annotations

import pytest
import torch
from half_types import HALF_TYPES
from small_models import small_head

from mmmaskformer.functional import matching
from mmmaskformer.structures import MaskPrediction, Segments

NAN, INF = float('nan'), float('inf')
LARGEST = {torch.float16: 65504.0, torch.bfloat16: 3e38}


@pytest.fixture
def assigned(monkeypatch) -> list:
    """The matrices that reached the assignment."""
    seen = []

    def solve(matrix):
        seen.append(matrix)
        return solver(matrix)

    solver = matching.linear_sum_assignment
    monkeypatch.setattr(matching, 'linear_sum_assignment', solve)
    return seen


def target() -> Segments:
    return Segments(torch.tensor([1, 3]), torch.rand(2, 64, 96) > 0.5)


def prediction(dtype, classes=1.0, masks=1.0) -> MaskPrediction:
    """Random logits of two images times the given factors."""
    return MaskPrediction(
        (torch.randn(2, 7, 5) * classes).to(dtype), (torch.randn(2, 7, 16, 24).clamp(-1, 1) * masks).to(dtype)
    )


def losses_of(head, predictions, dtype) -> dict:
    with torch.autocast('cpu', dtype=dtype):
        return head.criterion(predictions, [target(), target()])


@pytest.mark.parametrize('dtype', HALF_TYPES)
@pytest.mark.parametrize('masks', [1e2, 6e4])
def test_large_logits_cost_what_they_cost(assigned, dtype, masks):
    """Up to the largest number of float16, nothing is replaced and every loss is finite."""
    head = small_head()
    losses = losses_of(head, [prediction(dtype, 6e3, masks)], dtype)
    assert head.criterion.assigner.num_non_finite == 0
    assert len(assigned) == 2
    assert all(torch.from_numpy(matrix).isfinite().all() for matrix in assigned)
    assert all(value.isfinite() for value in losses.values())


@pytest.mark.parametrize('dtype', HALF_TYPES)
@pytest.mark.parametrize('fault', ['nan', 'inf', 'largest', 'nan everywhere'])
@pytest.mark.parametrize('part', ['class_logits', 'mask_logits'])
def test_the_assignment_gets_finite_costs_only(assigned, dtype, fault, part):
    """A layer gone wrong does not disturb the other one; queries that did not go wrong are matched."""
    head = small_head()
    good, bad = prediction(dtype), prediction(dtype)
    logits = getattr(bad, part)
    value = {'nan': NAN, 'inf': INF, 'largest': LARGEST[dtype]}.get(fault, NAN)
    logits[0, :5] = value  # five of seven queries of the first image
    if fault == 'nan everywhere':
        logits[:] = value
    losses = losses_of(head, [bad, good], dtype)
    assert len(assigned) == 4
    assert all(torch.from_numpy(matrix).isfinite().all() for matrix in assigned)
    assert all(value.isfinite() for name, value in losses.items() if not name.startswith('d0.'))
    count = head.criterion.assigner.num_non_finite
    assert count == {'nan everywhere': 28, 'largest': count}.get(fault, 10)
    ((queries, _), _), _ = head.criterion.assigner([bad, good], [target(), target()])
    if fault in ('nan', 'inf'):
        assert queries.tolist() == [5, 6]
    if value != value:
        name = 'd0.loss_cls' if part == 'class_logits' else 'd0.loss_mask'
        assert not losses[name].isfinite() or (part == 'mask_logits' and fault == 'nan')


def test_a_mask_of_nan_that_is_matched_shows_in_the_losses_of_its_layer():
    head = small_head()
    bad = prediction(torch.float32, masks=NAN)
    losses = head.criterion([prediction(torch.float32), bad, prediction(torch.float32)], [target()] * 2)
    faulty = [name for name, value in losses.items() if not value.isfinite()]
    assert faulty == ['d1.loss_mask', 'd1.loss_dice']
