"""Cross entropy by bands equals the plain form, in value and gradient, wherever the bands end."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional import cross_entropy_by_bands as by_bands
from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.per_pixel import upsampled_cross_entropy


def value_and_gradient(logits, labels, weights=None):
    logits = logits.clone().requires_grad_()
    value = upsampled_cross_entropy(logits, labels, 255, weights)
    value.backward()
    return value, logits.grad


@pytest.mark.parametrize('budget', [1, 300, 10**9])
@pytest.mark.parametrize(
    ('small', 'large'),
    [((4, 5), (16, 20)), ((3, 5), (10, 17)), ((1, 1), (5, 3)), ((6, 7), (6, 7)), ((9, 8), (5, 6))],
)
def test_bands_change_nothing(monkeypatch, small, large, budget):
    monkeypatch.setattr(by_bands, 'BAND_VALUES', dict(cpu=budget, cuda=budget))
    logits = 5 * torch.randn(2, 6, *small, dtype=torch.float64)
    labels = torch.randint(0, 6, (2, *large))
    labels[0, :2] = 255
    weights = torch.rand(6, dtype=torch.float64)
    found = value_and_gradient(logits, labels, weights)
    with plain_functions():
        expected = value_and_gradient(logits, labels, weights)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_gradient_is_the_derivative():
    labels = torch.randint(0, 3, (1, 6, 9))
    weights = torch.rand(1, 6, 9, dtype=torch.float64)
    logits = torch.randn(1, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: by_bands.cross_entropy_by_bands(x, labels, weights), logits, check_forward_ad=False
    )


def test_logits_are_left_as_they_were():
    logits = torch.randn(1, 3, 4, 4)
    before = logits.clone()
    with torch.no_grad():
        upsampled_cross_entropy(logits, torch.zeros(1, 4, 4).long())
    assert torch.equal(logits, before)
