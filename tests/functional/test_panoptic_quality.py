from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from panoptic_scenes import segments

from mmmaskformer.functional.panoptic_quality import (
    PanopticSums,
    count_panoptic,
    count_semantic,
    joint_areas,
    mean_quality,
    qualities,
)

GOLDEN = Path(__file__).resolve().parent.parent / 'golden'


def counted(sums: PanopticSums) -> dict:
    """Class -> (iou, tp, fp, fn) of the classes that were seen."""
    rows = np.stack([sums.iou, sums.tp, sums.fp, sums.fn], axis=1).tolist()
    return {number: tuple(row) for number, row in enumerate(rows) if any(row)}


def row(*ids):
    return np.array([ids])


def test_an_iou_of_one_half_does_not_match():
    ground_truth, prediction = row(1, 1, 1, 1, 2, 2), row(1, 1, 3, 3, 3, 3)
    sums = count_panoptic(ground_truth, prediction, segments((1, 0), (2, 1)), segments((1, 0), (3, 1)), 2)
    assert counted(sums) == {0: (0.0, 0, 1, 1), 1: (0.0, 0, 1, 1)}  # both 2 of 4 pixels


def test_the_union_leaves_out_what_the_prediction_has_on_void():
    ground_truth, prediction = row(1, 1, 1, 0, 0, 0), row(0, 3, 3, 3, 3, 3)
    sums = count_panoptic(ground_truth, prediction, segments((1, 0)), segments((3, 0)), 1)
    assert counted(sums) == {0: (2 / 3, 1, 0, 0)}


def test_pixels_of_unlisted_segments_are_not_void():
    ground_truth, prediction = row(1, 1, 1, 9, 9, 9), row(0, 3, 3, 3, 3, 3)
    sums = count_panoptic(ground_truth, prediction, segments((1, 0)), segments((3, 0)), 1)
    assert counted(sums) == {0: (0.0, 0, 1, 1)}  # 2 of 6


@pytest.mark.parametrize(
    ('ground_truth', 'false'),
    [((0, 0, 0, 1), 0), ((0, 0, 1, 1), 1), ((2, 2, 2, 1), 0), ((2, 2, 1, 1), 1), ((0, 2, 2, 1), 0)],
)
def test_more_than_half_on_void_or_crowd_is_excused(ground_truth, false):
    sums = count_panoptic(
        row(*ground_truth), row(5, 5, 5, 5), segments((1, 1), (2, 0, 1)), segments((5, 0)), 2
    )
    assert counted(sums).get(0, (0, 0, 0, 0)) == (0, 0, false, 0)


def test_the_crowd_of_another_class_excuses_nothing():
    sums = count_panoptic(row(2, 2, 2, 2), row(5, 5, 5, 5), segments((2, 1, 1)), segments((5, 0)), 2)
    assert counted(sums) == {0: (0, 0, 1, 0)}


def test_of_several_crowds_of_a_class_the_last_one_counts():
    lists = segments((1, 0, 1), (2, 0, 1)), segments((5, 0))
    assert counted(count_panoptic(row(2, 2, 2, 1), row(5, 5, 5, 5), *lists, 1)) == {}
    assert counted(count_panoptic(row(1, 1, 1, 2), row(5, 5, 5, 5), *lists, 1)) == {0: (0, 0, 1, 0)}


def test_a_listed_true_segment_without_pixels_is_missed():
    sums = count_panoptic(row(1, 1), row(1, 1), segments((1, 0), (2, 1)), segments((1, 0)), 2)
    assert counted(sums) == {0: (1.0, 1, 0, 0), 1: (0, 0, 0, 1)}


def test_nothing_at_all():
    empty = row(0, 0)
    assert counted(count_panoptic(empty, empty, [], [], 2)) == {}
    assert counted(count_panoptic(row(1, 1), empty, segments((1, 1)), [], 2)) == {1: (0, 0, 0, 1)}


def test_averages_leave_out_classes_that_were_not_seen():
    sums = PanopticSums(*(np.array(part) for part in ([1.5, 0.0, 0.0], [2, 0, 0], [1, 0, 2], [1, 0, 0])))
    np.testing.assert_allclose(qualities(sums)[[0, 2]], [[0.5, 0.75, 2 / 3], [0, 0, 0]])
    assert np.isnan(qualities(sums)[1]).all()
    np.testing.assert_allclose(mean_quality(qualities(sums)), [0.25, 0.375, 1 / 3])
    assert np.isnan(mean_quality(qualities(sums)[1:2])).all()


@pytest.mark.parametrize('dtype', ['uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'])
def test_maps_of_any_integers(dtype):
    ground_truth, prediction = row(1, 1, 200, 0).astype(dtype), row(1, 200, 200, 0)
    for maps in ((ground_truth, prediction), (prediction, ground_truth)):
        joint = joint_areas(*maps)
        assert joint.table.sum() == 4
        assert joint.table[200, 200] == joint.table[0, 0] == joint.table[1, 1] == 1


def test_an_id_map_of_noise_in_24_bits():
    rng = np.random.default_rng(0)
    ground_truth = rng.integers(0, 2**24, (20, 30))
    joint = joint_areas(ground_truth, ground_truth.astype(np.int32))
    assert joint.true_ids.tolist() == np.unique(ground_truth).tolist()
    assert (joint.table == np.diag(np.unique(ground_truth, return_counts=True)[1])).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(predicted_segments=[]), 'segment 7 is in the map of the prediction but not in its list'),
        (dict(predicted_segments=segments((7, 0), (8, 1))), 'segment 8 is in the list .* not in its map'),
        (dict(predicted_segments=segments((7, 2))), 'predicted segment 7 has category_id 2, .*0 to 1'),
        (dict(ground_truth_segments=segments((1, -1))), 'true segment 1 has category_id -1'),
        (dict(ground_truth_segments=segments((1, 0), (1, 1))), 'true segment 1 is listed twice'),
        (dict(ground_truth_segments=segments((0, 0))), 'id 0, which marks void'),
        (dict(ground_truth=row(1, 1, 1)), 'one size'),
        (dict(ground_truth=row(1, 1)[None]), 'one size'),
        (dict(prediction=row(7, -1)), 'value -1'),
        (dict(prediction=row(7.0, 7.0)), 'float64, expected integers'),
    ],
)
def test_bad_input_in_one_sentence(change, message):
    good = dict(
        ground_truth=row(1, 0),
        prediction=row(7, 7),
        ground_truth_segments=segments((1, 0)),
        predicted_segments=segments((7, 0)),
    )
    assert counted(count_panoptic(**good, num_classes=2)) == {0: (1.0, 1, 0, 0)}
    with pytest.raises(ValueError, match=message):
        count_panoptic(**{**good, **change}, num_classes=2)


def test_semantic_by_hand():
    ground_truth, prediction = row(0, 0, 0, 1, 1, 255, 255, 2), row(0, 0, 1, 1, 1, 1, 3, 2)
    # class 0: 2 of 3; class 1: 2 of 3 without the pixel on void; class 2: all; class 3 lies on void alone
    sums = count_semantic(ground_truth, prediction, 5)
    assert counted(sums) == {0: (2 / 3, 1, 0, 0), 1: (2 / 3, 1, 0, 0), 2: (1.0, 1, 0, 0)}


def test_semantic_ignores_another_label_and_missing_predictions():
    sums = count_semantic(row(9, 1, 1, 1), row(2, 2, 1, 9), 3, ignore_index=9)
    assert counted(sums) == {1: (0, 0, 1, 1), 2: (0, 0, 1, 0)}


def test_semantic_ignore_label_among_the_classes():
    assert counted(count_semantic(row(0, 1), row(1, 1), 2, ignore_index=0)) == {1: (1.0, 1, 0, 0)}


@pytest.mark.parametrize(('name', 'maps'), [('true', (row(3), row(0))), ('predicted', (row(0), row(3)))])
def test_semantic_unknown_label(name, maps):
    with pytest.raises(ValueError, match=f'the {name} label 3 is neither a class .0 to 2. nor ignored'):
        count_semantic(*maps, 3)


def test_golden_panoptic():
    golden = np.load(GOLDEN / 'panoptic_quality.npz')
    ground_truth, predictions, result = (
        json.loads(str(golden[key])) for key in ('gt_json', 'pred_json', 'result')
    )
    categories = [category['id'] for category in ground_truth['categories']]

    def contiguous(annotation):
        return [{**s, 'category_id': categories.index(s['category_id'])} for s in annotation['segments_info']]

    sums = [
        count_panoptic(golden[f'gt_{i}'], golden[f'pred_{i}'], contiguous(a), contiguous(b), len(categories))
        for i, (a, b) in enumerate(zip(ground_truth['annotations'], predictions['annotations']))
    ]
    table = qualities(sum(sums[1:], sums[0]))
    is_thing = np.array([category['isthing'] == 1 for category in ground_truth['categories']])
    for name, chosen in (('All', is_thing | True), ('Things', is_thing), ('Stuff', ~is_thing)):
        expected = [result[name][key] for key in ('pq', 'sq', 'rq')]
        np.testing.assert_allclose(mean_quality(table[chosen]), expected, atol=1e-6, rtol=0)
    expected = [[result['per_class'][str(i)][key] for key in ('pq', 'sq', 'rq')] for i in categories]
    np.testing.assert_allclose(table, expected, atol=1e-6, rtol=0)


def test_golden_semantic():
    golden = np.load(GOLDEN / 'pq_semantic.npz')
    result = json.loads(str(golden['result']))
    sums = [count_semantic(golden[f'gt_{i}'], golden[f'pred_{i}'], 8) for i in range(10)]
    expected = [result[key] for key in ('pq', 'sq', 'rq')]
    np.testing.assert_allclose(mean_quality(qualities(sum(sums[1:], sums[0]))), expected, atol=1e-6, rtol=0)
