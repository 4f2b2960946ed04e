"""The runtime's NumPy functions give the results of PyTorch's, on random and on official predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_checks import IS_THING, POSTPROCESS_CASES, THRESHOLDS, postprocess_case
from hypothesis import given, settings
from hypothesis import strategies as st

from mmmaskformer.functional import detr_inference, max_deeplab_inference, postprocess, semantic_inference
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.runtime import detr, resizing, semantic, slots
from mmmaskformer.runtime import postprocess as numpy_postprocess
from mmmaskformer.structures import BoxedMaskPrediction, MaskPrediction

SIDES = st.integers(1, 9)


@st.composite
def cases(draw) -> tuple[MaskPrediction, OutputSize, list[bool]]:
    """Predictions, some with queries that are equal: the rules for ties show there."""
    is_thing = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    padded = draw(st.tuples(SIDES, SIDES))
    image = tuple(draw(st.integers(1, side)) for side in padded)
    output = draw(st.one_of(st.just(image), st.tuples(SIDES, SIDES)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    num_queries = draw(st.integers(2, 6))
    logits = draw(st.floats(0.5, 6)) * torch.randn(num_queries, len(is_thing) + 1, generator=generator)
    masks = draw(st.floats(0.5, 6)) * torch.randn(
        num_queries, *draw(st.tuples(SIDES, SIDES)), generator=generator
    )
    if draw(st.booleans()):
        logits[-1], masks[-1] = logits[0], masks[0]
    return MaskPrediction(logits, masks), OutputSize(padded, image, output), is_thing


def in_numpy(prediction: MaskPrediction, size: OutputSize) -> tuple:
    arrays = numpy_postprocess.Prediction(*(part.numpy() for part in prediction))
    return arrays, resizing.OutputSize(*size)


def assert_same_segments(found, expected) -> None:
    assert found.ids.dtype == np.int32
    assert np.array_equal(found.ids, expected.ids.numpy())
    for ours, theirs in zip(found.segments_info, expected.segments_info, strict=True):
        assert ours['score'] == pytest.approx(theirs['score'], rel=1e-5)
        assert {**ours, 'score': 0} == {**theirs, 'score': 0}


def assert_same_instances(found, expected) -> None:
    """Equal scores may come in another order, where they are equal to rounding alone."""
    assert np.allclose(found.scores, expected.scores.numpy(), rtol=1e-4, atol=1e-7)
    rows = [
        sorted((round(s, 5), label, mask.tobytes()) for s, label, mask in zip(scores, labels, masks))
        for scores, labels, masks in (
            (found.scores.tolist(), found.labels.tolist(), found.masks),
            (expected.scores.tolist(), expected.labels.tolist(), expected.masks.numpy()),
        )
    ]
    assert [row[1:] for row in rows[0]] == [row[1:] for row in rows[1]]


@settings(max_examples=40, deadline=None)
@given(cases(), st.floats(0, 0.9), st.floats(0, 1), st.sampled_from([0.0, 0.5]))
def test_panoptic(case, score_thr, overlap_thr, mask_thr):
    prediction, size, is_thing = case
    thresholds = score_thr, overlap_thr, mask_thr
    found = numpy_postprocess.panoptic_segments(*in_numpy(prediction, size), is_thing, *thresholds)
    assert_same_segments(found, postprocess.panoptic_segments(prediction, size, is_thing, *thresholds))


@settings(max_examples=40, deadline=None)
@given(cases(), st.floats(0, 0.5), st.integers(1, 12), st.booleans())
def test_instances(case, score_thr, max_per_image, stuff_competes):
    prediction, size, is_thing = case
    rest = is_thing, score_thr, max_per_image, stuff_competes
    found = numpy_postprocess.instances(*in_numpy(prediction, size), *rest)
    expected = postprocess.instances(prediction, size, *rest)
    assert len(found.labels) == len(expected.labels)
    if max_per_image == 12:  # all pairs: none is cut off among equal ones
        assert_same_instances(found, expected)


@settings(max_examples=40, deadline=None)
@given(cases(), st.booleans())
def test_semantic(case, before):
    prediction, size, _ = case
    scores = semantic_inference.image_scores(prediction, size, before)
    expected = semantic_inference.semantic_labels(scores)[0].numpy()
    found = semantic.mask_labels(*in_numpy(prediction, size), before=before)
    best = scores.topk(min(2, len(scores)), dim=0).values
    near = (best[0] - best[-1]).abs() < 1e-6 if len(scores) > 1 else (scores[0] - 0.5).abs() < 1e-6
    assert np.array_equal(found[~near.numpy()], expected[~near.numpy()])


@settings(max_examples=25, deadline=None)
@given(cases(), st.floats(0, 0.9), st.floats(0, 1))
def test_general_semantic(case, score_thr, overlap_thr):
    prediction, size, _ = case
    expected = semantic_inference.general_semantic_labels(prediction, size, score_thr, overlap_thr)
    found = semantic.general_labels(*in_numpy(prediction, size), 255, score_thr, overlap_thr)
    assert np.array_equal(found, expected[0].numpy())


@settings(max_examples=25, deadline=None)
@given(cases(), st.floats(0.2, 0.9), st.floats(0.1, 0.9), st.booleans())
def test_slots(case, score_thr, pixel_thr, is_dual_path):
    prediction, size, is_thing = case
    log_odds = max_deeplab_inference.slot_log_odds(prediction.mask_logits)
    if torch.equal(prediction.mask_logits[0], prediction.mask_logits[-1]):
        log_odds[-1] = log_odds[0]  # to the bit: else rounding decides, not the rule for ties
    prediction = MaskPrediction(prediction.class_logits, log_odds)
    if is_dual_path:
        limits = score_thr, pixel_thr, 2, 5
        found = slots.dual_path_segments(*in_numpy(prediction, size), is_thing, *limits)
        expected = max_deeplab_inference.dual_path_segments(prediction, size, is_thing, *limits)
    else:
        found = slots.max_deeplab_segments(*in_numpy(prediction, size), is_thing, score_thr, pixel_thr)
        expected = max_deeplab_inference.max_deeplab_segments(
            prediction, size, is_thing, score_thr, pixel_thr
        )
    assert_same_segments(found, expected)


@settings(max_examples=25, deadline=None)
@given(cases(), st.floats(0.2, 0.9), st.integers(1, 8))
def test_detr(case, score_thr, number):
    prediction, size, is_thing = case
    boxed = BoxedMaskPrediction(*prediction, torch.rand(len(prediction[0]), 4))
    found = detr.detr_segments(*in_numpy(boxed, size), is_thing, score_thr, number)
    assert_same_segments(found, detr_inference.detr_segments(boxed, size, is_thing, score_thr, number))
    found = detr.detr_instances(*in_numpy(boxed, size), is_thing, 0.1, number)
    expected = detr_inference.detr_instances(boxed, size, is_thing, 0.1, number)
    assert_same_instances(found, expected)


@pytest.mark.parametrize('stride', [2, 4])
@pytest.mark.parametrize('output', [(13, 17), (20, 11)])
def test_masks_on_a_grid(stride, output):
    masks = torch.randn(5, 4, 5)
    padded = stride * 3 + 1, stride * 4 + 1
    size = OutputSize(padded, padded, output, stride)
    classes = 4 * torch.randn(5, 4)
    expected = postprocess.panoptic_segments(
        MaskPrediction(classes, masks), size, [True, False, True], 0.3, 0.1
    )
    found = numpy_postprocess.panoptic_segments(
        *in_numpy(MaskPrediction(classes, masks), size), [True, False, True], 0.3, 0.1
    )
    assert_same_segments(found, expected)


@pytest.mark.parametrize('thresholds', THRESHOLDS)
@pytest.mark.parametrize('i', POSTPROCESS_CASES)
def test_official_panoptic(i, thresholds):
    """The very case that the PyTorch functions are held to in tests/test_golden_postprocess.py."""
    prediction, size = postprocess_case(i)
    found = numpy_postprocess.panoptic_segments(*in_numpy(prediction, size), IS_THING, *thresholds)
    assert_same_segments(found, postprocess.panoptic_segments(prediction, size, IS_THING, *thresholds))


@pytest.mark.parametrize('i', POSTPROCESS_CASES)
def test_official_label_maps_in_bands(i, monkeypatch):
    prediction, size = postprocess_case(i)
    monkeypatch.setattr(resizing, 'BAND_VALUES', 7 * 64 * size.output[1])
    expected = semantic_inference.semantic_labels(semantic_inference.image_scores(prediction, size))[0]
    found = semantic.mask_labels(*in_numpy(prediction, size))
    assert (found != expected.numpy()).mean() < 1e-3  # where two scores are equal to rounding
