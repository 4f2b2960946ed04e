from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from mmmaskformer.models.losses.mask_losses import dice_loss, focal_loss, pairwise_dice, pairwise_focal


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


def test_padding_a_mask_with_confident_background_leaves_dice_alone():
    logits, targets = torch.randn(2, 30), (torch.rand(2, 30) > 0.5).float()
    padded = F.pad(logits, (0, 10), value=-100.0)
    torch.testing.assert_close(dice_loss(padded, F.pad(targets, (0, 10))), dice_loss(logits, targets))
