"""Segments from mask slots: thresholds and numbering by hand, and the softmax after upsampling."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.max_deeplab_inference import max_deeplab_segments, slot_log_odds
from mmmaskformer.functional.resizing import OutputSize, resize_masks
from mmmaskformer.structures import MaskPrediction


def probabilities(*slots: list[float]) -> torch.Tensor:
    """Log-odds of slots in a row of pixels."""
    return torch.tensor(slots, dtype=torch.float64).logit().float()[:, None]


def classes(*pairs: tuple[int, float]) -> torch.Tensor:
    """Class logits of slots of which class and confidence are given, of 3 classes and no-object (3)."""
    prob = torch.full((len(pairs), 4), 0.0)
    for row, (label, confidence) in zip(prob, pairs):
        row[:] = (1 - confidence) / 3
        row[label] = confidence
    return prob.log()


def test_thresholds_by_hand():
    masks = probabilities(
        [0.90, 0.41, 0.02, 0.03, 0.02, 0.30],  # thing of class 0
        [0.04, 0.30, 0.90, 0.02, 0.02, 0.35],  # class 1, not sure enough
        [0.02, 0.09, 0.03, 0.90, 0.02, 0.05],  # no-object
        [0.02, 0.10, 0.03, 0.02, 0.92, 0.10],  # stuff of class 2
        [0.02, 0.10, 0.02, 0.03, 0.02, 0.20],  # stuff of class 2, best nowhere
    )
    sure = classes((0, 0.71), (1, 0.69), (3, 0.99), (2, 0.95), (2, 0.95))
    size = OutputSize((1, 6), (1, 6), (1, 6))
    is_thing = [True, True, False]
    found = max_deeplab_segments(MaskPrediction(sure, masks), size, is_thing)
    assert found.ids.tolist() == [[1, 1, 0, 0, 2, 0]]  # the last pixel's best slot has 0.35
    assert [(s['id'], s['category_id'], s['isthing']) for s in found.segments_info] == [
        (1, 0, True),
        (2, 2, False),
    ]
    assert [s['score'] for s in found.segments_info] == pytest.approx([0.71, 0.95])
    strict = max_deeplab_segments(MaskPrediction(sure, masks), size, is_thing, pixel_thr=0.5)
    assert strict.ids.tolist() == [[1, 0, 0, 0, 2, 0]]
    lenient = max_deeplab_segments(MaskPrediction(sure, masks), size, is_thing, 0.6, 0.0)
    assert lenient.ids.tolist() == [[1, 1, 2, 0, 3, 2]]


def test_stuff_is_merged_and_things_are_not():
    masks = probabilities([0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9])
    size, sure = OutputSize((1, 3), (1, 3), (1, 3)), classes((2, 0.9), (0, 0.9), (2, 0.9))
    found = max_deeplab_segments(MaskPrediction(sure, masks), size, [True, True, False])
    assert found.ids.tolist() == [[1, 2, 1]]
    found = max_deeplab_segments(MaskPrediction(sure, masks), size, [True, True, True])
    assert found.ids.tolist() == [[1, 2, 3]]
    nothing = max_deeplab_segments(MaskPrediction(classes(*[(3, 0.9)] * 3), masks), size, [True] * 3)
    assert nothing.ids.tolist() == [[0, 0, 0]]
    assert nothing.segments_info == []


def test_softmax_is_taken_after_upsampling():
    """As of the logits themselves, upsampled at once; more slots than are upsampled at a time."""
    raw = torch.randn(40, 6, 8) * 3
    size = OutputSize((24, 32), (20, 31), (37, 45))
    prob, slots = resize_masks(raw, size).softmax(0).max(0)
    sure = classes(*[(n % 3, 0.9) for n in range(40)])
    found = max_deeplab_segments(MaskPrediction(sure, slot_log_odds(raw)), size, [True] * 3)
    listed = slots[prob > 0.4].unique()
    ids = torch.zeros(40, dtype=torch.int32)
    ids[listed] = torch.arange(1, len(listed) + 1, dtype=torch.int32)
    assert torch.equal(found.ids, ids[slots] * (prob > 0.4))
