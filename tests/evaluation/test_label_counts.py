"""Counts of labels, by hand and beside mmseg's histograms."""

import pytest
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


@pytest.mark.parametrize('num_classes', [2, 5, 40])
def test_pixels_are_counted_as_mmseg_counts_them(num_classes):
    """Labels that are no class, on either side, count for no class; ignored pixels not at all."""
    predicted, true = torch.randint(-2, num_classes + 3, (2, 30, 40))
    counted = true != 1

    def histogram(labels):
        return torch.histc(labels.float(), num_classes, 0, num_classes - 1).tolist()

    intersection = histogram(true[counted & (predicted == true)])
    annotated, answered = histogram(true[counted]), histogram(predicted[counted])
    areas = [area.tolist() for area in IoUMetric.intersect_and_union(predicted, true, num_classes, 1)]
    union = [a + b - both for a, b, both in zip(annotated, answered, intersection)]
    assert areas == [intersection, union, answered, annotated]


def test_counts_need_no_operation_without_deterministic_form(monkeypatch):
    """On a GPU, `torch.histc` raises in deterministic mode."""
    monkeypatch.delattr(torch, 'histc')
    labels = torch.tensor([[0, 1], [1, 1]])
    assert [a.tolist() for a in IoUMetric.intersect_and_union(labels, labels, 2, 255)] == [[1.0, 3.0]] * 4
