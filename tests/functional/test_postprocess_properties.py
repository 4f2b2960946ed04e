"""What holds of panoptic and instance results whatever the predictions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmmaskformer.functional.postprocess import instances, panoptic_segments
from mmmaskformer.functional.resizing import OutputSize, resize_masks
from mmmaskformer.structures import MaskPrediction

SIDES = st.integers(1, 9)


class Case(NamedTuple):
    prediction: MaskPrediction
    size: OutputSize
    is_thing: list[bool]
    score_thr: float
    overlap_thr: float


@st.composite
def cases(draw) -> Case:
    is_thing = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    num_queries = draw(st.integers(1, 6))
    padded = draw(st.tuples(SIDES, SIDES))
    image = tuple(draw(st.integers(1, side)) for side in padded)
    output = draw(st.one_of(st.just(image), st.tuples(SIDES, SIDES)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    scales = draw(st.tuples(st.floats(0, 6), st.floats(0, 6)))
    logits = torch.randn(num_queries, len(is_thing) + 1, generator=generator)
    masks = torch.randn(num_queries, *draw(st.tuples(SIDES, SIDES)), generator=generator)
    thresholds = draw(st.tuples(st.floats(0, 0.9), st.floats(0, 1)))
    return Case(
        MaskPrediction(scales[0] * logits, scales[1] * masks),
        OutputSize(padded, image, output),
        is_thing,
        *thresholds,
    )


@settings(max_examples=200, deadline=None)
@given(cases())
def test_panoptic_segments_are_numbered_present_disjoint_and_above_the_thresholds(case):
    found = panoptic_segments(*case)
    listed = found.segments_info
    assert found.ids.dtype == torch.int32
    assert found.ids.shape == case.size.output
    assert [segment['id'] for segment in listed] == list(range(1, len(listed) + 1))
    assert set(found.ids.unique().tolist()) - {0} == set(range(1, len(listed) + 1))  # none without a pixel
    assert all(segment['score'] > case.score_thr for segment in listed)
    assert all(segment['isthing'] == case.is_thing[segment['category_id']] for segment in listed)
    stuff = [segment['category_id'] for segment in listed if not segment['isthing']]
    assert len(stuff) == len(set(stuff))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_thing_keeps_the_part_of_its_mask_that_the_threshold_asks_for(case):
    """By the definition: the area of each query's whole mask is computed here from the resized masks."""
    found = panoptic_segments(*case)
    scores, labels = case.prediction.class_logits.softmax(-1).max(-1)
    areas = (resize_masks(case.prediction.mask_logits, case.size).sigmoid() >= 0.5).flatten(1).sum(1)
    for segment in found.segments_info:
        pixels = int((found.ids == segment['id']).sum())
        of_class = labels == segment['category_id']
        distance = (scores[of_class] - segment['score']).abs()
        candidates = areas[of_class][distance == distance.min()]  # of equal scores, any may be the query
        if segment['isthing']:
            assert pixels >= case.overlap_thr * int(candidates.min()) - 1e-6
        assert pixels > 0


@settings(max_examples=150, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_queries_does_not_matter(case, random):
    """But for the numbers of the segments; ties are left out, where the first query wins."""
    order = random.sample(range(len(case.prediction.class_logits)), len(case.prediction.class_logits))
    scores = case.prediction.class_logits.softmax(-1).max(-1).values
    masks = resize_masks(case.prediction.mask_logits, case.size).sigmoid() * scores[:, None, None]
    if len(masks) > 1:
        best = masks.flatten(1).topk(2, dim=0).values
        if (best[0] - best[1]).min() < 1e-5:
            return
    mixed = case._replace(prediction=MaskPrediction(*(part[order] for part in case.prediction)))
    assert regions(panoptic_segments(*mixed)) == regions(panoptic_segments(*case))


def regions(found) -> list[tuple[int, str]]:
    """Class and pixels of each segment."""
    return sorted((s['category_id'], str((found.ids == s['id']).tolist())) for s in found.segments_info)


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(1, 12))
def test_instances_are_sorted_boxed_and_above_the_threshold(case, most):
    found = instances(case.prediction, case.size, case.is_thing, case.score_thr, most)
    assert found.masks.shape == (len(found.scores), *case.size.output)
    assert len(found.labels) == len(found.bboxes) == len(found.scores) <= most
    assert all(case.is_thing[label] for label in found.labels.tolist())
    assert (found.scores.diff() <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    for mask, box in zip(found.masks, found.bboxes.tolist()):
        rows, columns = torch.where(mask)
        expected = [0, 0, 0, 0]
        if len(rows):
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert box == [float(side) for side in expected]
