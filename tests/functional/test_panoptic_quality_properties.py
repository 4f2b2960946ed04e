"""What holds of panoptic quality whatever the maps."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from panoptic_scenes import assert_equal, one_crowd_each, scenes, segments, written_out

from mmmaskformer.functional.panoptic_quality import count_panoptic, count_semantic, qualities


@settings(max_examples=300, deadline=None)
@given(scenes())
def test_equals_the_definition(scene):
    assert_equal(count_panoptic(*scene, num_classes=3), written_out(*scene, 3))


@settings(max_examples=100, deadline=None)
@given(scenes(), st.randoms(use_true_random=False))
def test_order_of_predictions_and_of_true_segments_does_not_matter(scene, random):
    ground_truth, prediction, ground_truth_segments, predicted_segments = scene
    ground_truth_segments = one_crowd_each(ground_truth_segments)
    mixed = [random.sample(part, len(part)) for part in (ground_truth_segments, predicted_segments)]
    expected = count_panoptic(ground_truth, prediction, ground_truth_segments, predicted_segments, 3)
    assert_equal(count_panoptic(ground_truth, prediction, *mixed, 3), expected)


@settings(max_examples=100, deadline=None)
@given(scenes(), st.permutations(range(3)))
def test_classes_may_come_in_any_order(scene, order):
    ground_truth, prediction, *lists = scene
    renamed = [[{**s, 'category_id': order[s['category_id']]} for s in part] for part in lists]
    expected = count_panoptic(*scene, 3)
    moved = count_panoptic(ground_truth, prediction, *renamed, 3)
    for name in ('iou', 'tp', 'fp', 'fn'):
        assert getattr(moved, name)[list(order)].tolist() == getattr(expected, name).tolist()


@settings(max_examples=100, deadline=None)
@given(scenes(), st.sampled_from([7, 1024, 65_793]))
def test_ids_are_only_names(scene, step):
    ground_truth, prediction, ground_truth_segments, predicted_segments = scene
    renamed = [{**s, 'id': 2**24 - 1 - s['id'] * step % 2**24} for s in predicted_segments]
    mapped = np.zeros_like(prediction)
    for old, new in zip(predicted_segments, renamed):
        mapped[prediction == old['id']] = new['id']
    assert_equal(
        count_panoptic(ground_truth, mapped, ground_truth_segments, renamed, 3),
        count_panoptic(ground_truth, prediction, ground_truth_segments, predicted_segments, 3),
    )


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_ground_truth_against_itself_is_perfect(scene):
    ground_truth, ground_truth_segments = scene[0], one_crowd_each(scene[2])
    ground_truth = np.where(np.isin(ground_truth, [s['id'] for s in ground_truth_segments]), ground_truth, 0)
    sums = count_panoptic(ground_truth, ground_truth, ground_truth_segments, ground_truth_segments, 3)
    table = qualities(sums)
    assert (table[~np.isnan(table)] == 1).all()
    assert sums.tp.sum() == sum(not s['iscrowd'] for s in ground_truth_segments)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.4, 0.9]))
def test_semantic_is_panoptic_with_a_segment_for_each_class(seed, change):
    rng = np.random.default_rng(seed)
    ground_truth = rng.choice([0, 1, 2, 3, 255], (6, 6))
    prediction = np.where(rng.random((6, 6)) < change, rng.integers(0, 4, (6, 6)), ground_truth)
    maps = [np.where(labels == 255, 0, labels + 1) for labels in (ground_truth, prediction)]
    lists = [segments(*((i, i - 1) for i in np.setdiff1d(ids, 0))) for ids in maps]
    assert_equal(count_semantic(ground_truth, prediction, 4), count_panoptic(*maps, *lists, 4))


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_qualities_are_bounded_and_pq_is_their_product(scene):
    table = qualities(count_panoptic(*scene, 3))
    seen = table[~np.isnan(table[:, 0])]
    assert ((seen >= 0) & (seen <= 1)).all()
    np.testing.assert_allclose(seen[:, 0], seen[:, 1] * seen[:, 2], atol=1e-12)
    matched = seen[seen[:, 2] > 0]
    assert (matched[:, 1] > 0.5).all()


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_ground_truth_and_prediction_may_change_places_where_all_is_segments(scene):
    """Without void, crowds and unlisted pixels; missed and false segments change places with them."""
    ground_truth, prediction = scene[:2]
    ground_truth, prediction = ground_truth + 1, prediction + 1
    ground_truth_segments = segments(*((i, int(i) % 3) for i in np.unique(ground_truth)))
    found = segments(*((i, int(i) % 3) for i in np.unique(prediction)))
    ours = count_panoptic(ground_truth, prediction, ground_truth_segments, found, 3)
    swapped = count_panoptic(prediction, ground_truth, found, ground_truth_segments, 3)
    np.testing.assert_allclose(swapped.iou, ours.iou, atol=1e-12)
    assert (swapped.tp.tolist(), swapped.fp.tolist()) == (ours.tp.tolist(), ours.fn.tolist())


@settings(max_examples=100, deadline=None)
@given(scenes(), st.integers(0, 2**32 - 1))
def test_what_matched_segments_have_on_void_does_not_count(scene, seed):
    ground_truth, prediction, ground_truth_segments, predicted_segments = scene
    before = count_panoptic(*scene, 3)
    rng = np.random.default_rng(seed)
    grown = np.where((ground_truth == 0) & (rng.random(ground_truth.shape) < 0.5), 0, prediction)
    if set(np.unique(grown)) | {0} != set(np.unique(prediction)) | {0}:  # a segment would vanish
        grown = prediction
    after = count_panoptic(ground_truth, grown, ground_truth_segments, predicted_segments, 3)
    np.testing.assert_allclose(after.iou, before.iou, atol=1e-12)
    assert (after.tp.tolist(), after.fn.tolist()) == (before.tp.tolist(), before.fn.tolist())


@settings(max_examples=50, deadline=None)
@given(st.lists(scenes(), min_size=2, max_size=5), st.integers(1, 4))
def test_images_may_be_counted_in_any_split(parts, cut):
    sums = [count_panoptic(*scene, 3) for scene in parts]
    whole = reduce(add, sums)
    halves = [reduce(add, half) for half in (sums[:cut], sums[cut:]) if half]
    assert_equal(reduce(add, halves), whole)
    np.testing.assert_allclose(qualities(reduce(add, halves[::-1])), qualities(whole), atol=1e-12)
