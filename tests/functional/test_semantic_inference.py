from __future__ import annotations

import math

import torch

from mmmaskformer.functional.semantic_inference import semantic_scores
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
