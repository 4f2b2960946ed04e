from __future__ import annotations

import math

import pytest
import torch

from mmmaskformer.functional.label_map_by_bands import possible_classes, semantic_label_map
from mmmaskformer.functional.resizing import BAND_VALUES, OutputSize
from mmmaskformer.functional.semantic_inference import image_scores, semantic_scores
from mmmaskformer.structures import MaskPrediction


def test_scores_by_hand():
    """Two queries, one pixel: 0.5 * p1 + 0.2 * p2, no-object dropped."""
    class_logits = torch.tensor([[[0.5, 0.3, 0.2], [0.2, 0.1, 0.7]]]).log()
    mask_logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1)  # p = 1/2, 3/4
    scores = semantic_scores(MaskPrediction(class_logits, mask_logits), (1, 1))
    torch.testing.assert_close(scores.flatten(), torch.tensor([0.25 + 0.15, 0.15 + 0.075]))


def test_order_of_queries_does_not_matter():
    classes, masks = torch.randn(2, 6, 4), torch.randn(2, 6, 5, 7)
    order = torch.randperm(6)
    torch.testing.assert_close(
        semantic_scores(MaskPrediction(classes, masks), (10, 14)),
        semantic_scores(MaskPrediction(classes[:, order], masks[:, order]), (10, 14)),
    )


def test_scores_have_the_asked_size_and_are_float32():
    prediction = MaskPrediction(torch.randn(1, 3, 5).half(), torch.randn(1, 3, 4, 4).half())
    scores = semantic_scores(prediction, (13, 17))
    assert scores.shape == (1, 4, 13, 17)
    assert scores.dtype == torch.float32


def two_regions() -> MaskPrediction:
    """Query 0 claims the left half for class 3, query 1 the right for class 1; the rest are no-object."""
    class_logits, mask_logits = torch.randn(8, 7), -6 + torch.randn(8, 16, 24)
    class_logits[:, 6] += 20
    mask_logits[0, :, :12] += 12
    mask_logits[1, :, 12:] += 12
    for query, label in ((0, 3), (1, 1)):
        class_logits[query, 6] -= 20
        class_logits[query, label] += 20
    return MaskPrediction(class_logits, mask_logits)


def test_classes_that_cannot_win_are_left_out():
    classes, masks = two_regions()
    class_prob, pixels = classes.softmax(-1)[:, :-1].T, masks.permute(1, 2, 0)
    assert possible_classes(class_prob, pixels, 96).tolist() == [1, 3]
    assert possible_classes(class_prob, pixels[:, :8], 96).tolist() == [3]


@pytest.mark.parametrize('width', [12, 24, 60, 96])
@pytest.mark.parametrize('scale', [0.1, 1.0, 10.0])
def test_no_class_that_wins_is_left_out(width, scale):
    """Also where masks are made smaller, and a pixel's columns are apart."""
    for _ in range(20):
        prediction = MaskPrediction(scale * torch.randn(6, 5), scale * torch.randn(6, 3, 24))
        winners = semantic_scores(MaskPrediction(*(part[None] for part in prediction)), (9, width)).argmax(1)
        class_prob = prediction.class_logits.softmax(-1)[:, :-1].T
        kept = possible_classes(class_prob, prediction.mask_logits.permute(1, 2, 0), width)
        assert set(winners.unique().tolist()) <= set(kept.tolist())


def test_a_broken_mask_leaves_all_classes():
    pixels = torch.full((3, 24, 4), torch.nan)
    assert possible_classes(torch.rand(5, 4), pixels, 96).tolist() == [0, 1, 2, 3, 4]


def test_bands_of_one_class_are_filled(monkeypatch):
    prediction, size = two_regions(), OutputSize((64, 96), (64, 96), (64, 96))
    prediction.mask_logits[0, :8], prediction.mask_logits[1, :8] = 6, -6
    expected = image_scores(prediction, size).argmax(0)
    assert expected[:24].unique().tolist() == [3]
    monkeypatch.setitem(BAND_VALUES, 'cpu', 8 * 4 * 96)
    assert torch.equal(semantic_label_map(prediction, size)[0], expected)
