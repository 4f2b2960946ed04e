"""Panoptic and instance inference by hand, and what must not change them."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.postprocess import boxes_of, instances, panoptic_segments
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.structures import MaskPrediction

THING, STUFF, NO_OBJECT = 0, 1, 2
IS_THING = [True, False]


def size(height: int, width: int) -> OutputSize:
    return OutputSize(*[(height, width)] * 3)


def predict(*queries: tuple[int, float, list[float]]) -> MaskPrediction:
    """Queries as (class, its probability, mask probabilities of a 1 x W image)."""
    classes, masks = [], []
    for label, probability, mask in queries:
        row = torch.full((3,), (1 - probability) / 2)
        row[label] = probability
        classes.append(row.log())
        masks.append(torch.tensor([mask]).logit())
    return MaskPrediction(torch.stack(classes), torch.stack(masks))


def test_each_pixel_goes_to_the_most_probable_query():
    """0.9 * 0.9 against 0.95 * 0.8 at the second pixel; the third belongs to the second query."""
    prediction = predict((THING, 0.9, [0.9, 0.9, 0.1]), (THING, 0.95, [0.2, 0.8, 0.9]))
    found = panoptic_segments(prediction, size(1, 3), IS_THING, overlap_thr=0.5)
    assert found.ids.tolist() == [[1, 1, 2]]
    assert [s['category_id'] for s in found.segments_info] == [THING, THING]
    assert found.segments_info[1]['score'] == pytest.approx(0.95)


def test_a_segment_that_keeps_too_little_is_void():
    """The second query keeps one of its two pixels, which is less than 0.8 of them."""
    prediction = predict((THING, 0.9, [0.9, 0.9, 0.1]), (THING, 0.95, [0.2, 0.8, 0.9]))
    found = panoptic_segments(prediction, size(1, 3), IS_THING, overlap_thr=0.8)
    assert found.ids.tolist() == [[1, 1, 0]]
    assert len(found.segments_info) == 1


def test_stuff_of_one_class_is_one_segment_and_things_are_not():
    stuff = predict((STUFF, 0.9, [0.9, 0.1]), (STUFF, 0.9, [0.1, 0.9]))
    found = panoptic_segments(stuff, size(1, 2), IS_THING)
    assert found.ids.tolist() == [[1, 1]]
    assert [(s['id'], s['isthing']) for s in found.segments_info] == [(1, False)]
    things = predict((THING, 0.9, [0.9, 0.1]), (THING, 0.9, [0.1, 0.9]))
    assert panoptic_segments(things, size(1, 2), IS_THING).ids.tolist() == [[1, 2]]


def test_no_object_and_improbable_classes_leave_void():
    prediction = predict((NO_OBJECT, 0.98, [0.9, 0.9]), (THING, 0.79, [0.9, 0.9]))
    found = panoptic_segments(prediction, size(1, 2), IS_THING)
    assert found.ids.tolist() == [[0, 0]]
    assert found.segments_info == []


def test_filtering_before_resizing_changes_nothing():
    """A reference that resizes every mask and visits every segment."""
    torch.manual_seed(3)
    prediction = MaskPrediction(4 * torch.randn(12, 4), 3 * torch.randn(12, 6, 8))
    geometry = OutputSize((24, 32), (23, 30), (40, 33))
    is_thing = [True, False, True]
    ids, classes = slow_panoptic(prediction, geometry, is_thing, 0.5, 0.3)
    found = panoptic_segments(prediction, geometry, is_thing, 0.5, 0.3)
    assert torch.equal(found.ids, ids)
    assert [s['category_id'] for s in found.segments_info] == classes
    assert len(classes) > 2


def slow_panoptic(prediction, geometry, is_thing, score_thr, overlap_thr):
    def resize(mask, shape):
        return torch.nn.functional.interpolate(mask[None, None], shape, mode='bilinear')[0, 0]

    scores, labels = prediction.class_logits.softmax(-1).max(-1)
    kept = [q for q in range(len(labels)) if labels[q] < len(is_thing) and scores[q] > score_thr]
    masks = []
    for query in kept:
        mask = resize(prediction.mask_logits[query], geometry.padded)[
            : geometry.image[0], : geometry.image[1]
        ]
        masks.append(resize(mask, geometry.output).sigmoid())
    winner = torch.stack([mask * scores[q] for q, mask in zip(kept, masks)]).argmax(0)
    ids, classes, stuff = torch.zeros(geometry.output, dtype=torch.int32), [], {}
    for i, query in enumerate(kept):
        won, label = winner == i, int(labels[query])
        if won.sum() == 0 or won.sum() / (masks[i] >= 0.5).sum() < overlap_thr:
            continue
        if label in stuff:
            ids[won] = stuff[label]
            continue
        classes.append(label)
        ids[won] = len(classes)
        if not is_thing[label]:
            stuff[label] = len(classes)
    return ids, classes


def test_instances_by_hand():
    """Best first; p(class) times the mean probability inside the mask; stuff and no-object never."""
    prediction = predict(
        (STUFF, 0.99, [0.9, 0.9, 0.9]), (THING, 0.8, [0.1, 0.75, 0.65]), (THING, 0.9, [0.9, 0.6, 0.4])
    )
    found = instances(prediction, size(1, 3), IS_THING, score_thr=0.5)
    assert found.labels.tolist() == [THING, THING]
    torch.testing.assert_close(found.scores, torch.tensor([0.9 * 0.75, 0.8 * 0.7]))
    assert found.masks.tolist() == [[[True, True, False]], [[False, True, True]]]
    assert found.bboxes.tolist() == [[0, 0, 2, 1], [1, 0, 3, 1]]


def test_number_of_instances_is_limited_to_the_best():
    torch.manual_seed(0)
    prediction = MaskPrediction(torch.randn(40, 3), torch.randn(40, 4, 4))
    many = instances(prediction, size(8, 8), [True, True], max_per_image=100)
    assert len(many.labels) == 80
    few = instances(prediction, size(8, 8), [True, True], max_per_image=5)
    assert few.masks.shape == (5, 8, 8)
    classes = prediction.class_logits.softmax(-1)[:, :2].flatten().topk(5)
    assert sorted(few.labels.tolist()) == sorted((classes.indices % 2).tolist())


def test_no_instances():
    found = instances(predict((STUFF, 0.9, [0.9])), size(2, 3), IS_THING, score_thr=0.5)
    assert found.masks.shape == (0, 2, 3)
    assert found.bboxes.shape == (0, 4)


def test_boxes():
    masks = torch.zeros(2, 4, 6, dtype=torch.bool)
    masks[0, 1:3, 2] = masks[0, 2, 4] = True
    assert boxes_of(masks).tolist() == [[2, 1, 5, 3], [0, 0, 0, 0]]
