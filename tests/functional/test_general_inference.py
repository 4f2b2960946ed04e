"""Each pixel goes to one query: by hand, and what panoptic inference says of the same prediction."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.postprocess import panoptic_segments
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.functional.semantic_inference import general_semantic_labels, semantic_scores
from mmmaskformer.structures import MaskPrediction

VOID = 255


def size(height: int, width: int) -> OutputSize:
    return OutputSize(*[(height, width)] * 3)


def predict(*queries: tuple[list[float], list[float]]) -> MaskPrediction:
    """Queries as (class probabilities, the last of no-object; mask probabilities of a 1 x W image)."""
    classes, masks = zip(*queries)
    return MaskPrediction(torch.tensor(classes).log(), torch.tensor(masks).logit()[:, None])


def test_queries_compete_alone():
    """At the first pixel, two queries of class 1 sum to more than the one of class 0, which is better."""
    weak = [0.05, 0.8, 0.15], [0.6, 0.9]
    prediction = predict(([0.8, 0.1, 0.1], [0.9, 0.1]), weak, weak)
    assert general_semantic_labels(prediction, size(1, 2)).tolist() == [[[0, 1]]]
    batch = MaskPrediction(*(part[None] for part in prediction))
    assert semantic_scores(batch, (1, 2)).argmax(1).tolist() == [[[1, 1]]]


def test_no_object_is_left_out_and_every_pixel_has_a_class():
    """The query of no-object is surer of both pixels; the other has no pixel above one half."""
    prediction = predict(([0.05, 0.05, 0.9], [0.9, 0.9]), ([0.1, 0.8, 0.1], [0.1, 0.2]))
    assert general_semantic_labels(prediction, size(1, 2)).tolist() == [[[1, 1]]]


def test_no_query_is_kept():
    prediction = predict(([0.05, 0.05, 0.9], [0.9, 0.9]), ([0.1, 0.69, 0.21], [0.1, 0.2]))
    labels = general_semantic_labels(prediction, size(1, 2), score_thr=0.7, void=65535)
    assert labels.tolist() == [[[65535, 65535]]]
    assert labels.dtype == torch.int64


def test_a_query_that_keeps_too_little_leaves_void():
    """The second wins one of the two pixels of its mask."""
    prediction = predict(([0.9, 0.05, 0.05], [0.9, 0.9, 0.1]), ([0.02, 0.95, 0.03], [0.2, 0.8, 0.9]))
    assert general_semantic_labels(prediction, size(1, 3), overlap_thr=0.5).tolist() == [[[0, 0, 1]]]
    assert general_semantic_labels(prediction, size(1, 3), overlap_thr=0.8).tolist() == [[[0, 0, VOID]]]


@pytest.mark.parametrize('thresholds', [(0.0, 0.1), (0.3, 0.3), (0.4, 0.45)])
def test_with_thresholds_it_is_panoptic_inference_of_stuff(thresholds):
    """All classes stuff, the segments of a class merged: the same pixels have the same class."""
    torch.manual_seed(0)
    prediction = MaskPrediction(3 * torch.randn(5, 6), 4 * torch.randn(5, 10, 12))
    where = OutputSize((40, 48), (37, 45), (50, 61))
    found = panoptic_segments(prediction, where, [False] * 5, *thresholds)
    class_of = torch.full((len(found.segments_info) + 1,), VOID)
    for segment in found.segments_info:
        class_of[segment['id']] = segment['category_id']
    labels = general_semantic_labels(prediction, where, *thresholds)
    assert len(labels.unique()) > 2
    assert torch.equal(labels[0], class_of[found.ids.long()])
