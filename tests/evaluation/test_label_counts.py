"""Counts and scores of one class, by hand."""

import torch
from mmseg.evaluation import IoUMetric

import mmmaskformer.evaluation  # noqa: F401  corrects the counts
from mmmaskformer.functional.semantic_inference import add_rest


def test_a_rival_for_one_class_alone():
    scores = torch.rand(2, 1, 3, 4)
    assert torch.equal(add_rest(scores), torch.cat([scores, 1 - scores], 1))
    assert add_rest(scores.expand(2, 5, 3, 4)).shape == (2, 5, 3, 4)


def test_pixels_of_one_class_are_counted_by_hand():
    predicted = torch.tensor([0, 0, 255, 255, 0, 1])
    true = torch.tensor([0, 255, 0, 255, 0, 0])
    areas = IoUMetric.intersect_and_union(predicted, true, 1, 255)
    assert [area.tolist() for area in areas] == [[2.0], [4.0], [2.0], [4.0]]
    areas = IoUMetric.intersect_and_union(predicted, true, 1, -1)
    assert [area.tolist() for area in areas] == [[2.0], [5.0], [3.0], [4.0]]
