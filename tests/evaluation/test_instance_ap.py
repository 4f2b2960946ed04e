from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from drawn_samples import META, average_precisions, box, draw_sample, evaluate, objects

from mmmaskformer.evaluation import InstanceAP
from mmmaskformer.registry import METRICS

SAMPLES = [draw_sample(number) for number in range(6)]


def test_it_is_registered():
    assert isinstance(METRICS.build(dict(type='mmmaskformer.InstanceAP')), InstanceAP)


def test_perfect_masks():
    whole = box(0, 0, 100, 100)
    sample = objects(
        0, [(whole, 1, 0), (box(50, 50, 40, 40), 3, 0)], [(whole, 1, 0.3), (box(50, 50, 40, 40), 3, 0.9)]
    )
    np.testing.assert_allclose(
        average_precisions(evaluate(InstanceAP(), [sample])), [100, 100, 100, np.nan, 100, 100]
    )


def test_an_iou_of_0_8_passes_seven_thresholds_of_ten():
    sample = objects(0, [(box(0, 0, 100, 10), 1, 0)], [(box(0, 0, 80, 10), 1, 0.5)])
    np.testing.assert_allclose(
        average_precisions(evaluate(InstanceAP(), [sample])), [70, 100, 100, 70, np.nan, np.nan]
    )


def test_half_of_the_objects_found_after_a_false_one():
    first, second = box(0, 0, 50, 50), box(60, 60, 50, 50)
    false = box(0, 60, 50, 50)
    sample = objects(0, [(first, 1, 0), (second, 1, 0)], [(false, 1, 0.9), (first, 1, 0.8)])
    # precision 1/2 up to recall 1/2: 51 of COCO's 101 recalls
    assert evaluate(InstanceAP(), [sample])['AP'] == pytest.approx(100 * 51 / 101 / 2)


def test_a_crowd_is_no_miss_and_excuses_what_lies_in_it():
    mask, crowd = box(0, 0, 50, 50), box(60, 0, 50, 120)
    inside = [(box(60, 10 * i, 50, 10), 1, 0.9) for i in range(3)]
    sample = objects(0, [(mask, 1, 0), (crowd, 1, 1)], [*inside, (mask, 1, 0.5)])
    assert evaluate(InstanceAP(), [sample])['AP'] == pytest.approx(100)


def test_stuff_counts_neither_as_ground_truth_nor_as_prediction():
    mask = box(0, 0, 50, 50)
    sample = objects(0, [(mask, 1, 0), (box(60, 60, 9, 9), 0, 0)], [(mask, 1, 0.5), (mask, 2, 0.9)])
    assert evaluate(InstanceAP(), [sample])['AP'] == pytest.approx(100)


def test_the_listed_area_decides_what_is_small():
    sample = objects(0, [(box(0, 0, 40, 40), 1, 0)], [(box(0, 0, 40, 40), 1, 0.5)])
    sample.gt_segments_info[0]['area'] = 1000  # as the polygon of a file may have it
    metrics = evaluate(InstanceAP(), [sample])
    assert metrics['AP_small'] == pytest.approx(100)
    assert np.isnan(metrics['AP_medium'])
    del sample.gt_segments_info[0]['area']
    assert evaluate(InstanceAP(), [sample])['AP_medium'] == pytest.approx(100)


def test_zero_without_predictions_and_nan_without_ground_truth():
    none_found = evaluate(InstanceAP(), [objects(0, [(box(0, 0, 10, 10), 1, 0)], [])])
    np.testing.assert_equal(average_precisions(none_found), [0, 0, 0, 0, np.nan, np.nan])
    nothing = evaluate(InstanceAP(), [objects(0, [], []), objects(1, [], [(box(0, 0, 9, 9), 1, 0.5)])])
    assert np.isnan(average_precisions(nothing)).all()


def test_order_and_repeats_of_images_do_not_matter():
    expected = evaluate(InstanceAP(), SAMPLES)
    assert 0 < expected['AP'] < expected['AP50'] < 100
    np.testing.assert_equal(evaluate(InstanceAP(), [*SAMPLES[::-1], SAMPLES[3]]), expected)


def test_order_of_classes_does_not_matter():
    order = [3, 0, 4, 1, 2]  # our class i becomes order[i]
    moved = deepcopy(SAMPLES)
    for sample in moved:
        sample.pred_instances.labels = torch.tensor(order)[sample.pred_instances.labels]
        for segment in sample.gt_segments_info:
            segment['category_id'] = order[segment['category_id']]
    meta = {**META, 'classes': [META['classes'][order.index(i)] for i in range(5)]}
    assert evaluate(InstanceAP(), moved, meta) == pytest.approx(evaluate(InstanceAP(), SAMPLES), nan_ok=True)


def log_of(monkeypatch) -> list[str]:
    logged = []
    monkeypatch.setattr(
        'mmmaskformer.evaluation.instance_ap.print_log', lambda text, **_: logged.append(text)
    )
    return logged


def test_the_table_of_classes(monkeypatch):
    logged = log_of(monkeypatch)
    left, right = box(0, 0, 50, 50), box(0, 60, 50, 50)
    detections = [(left, 1, 0.9), (right, 1, 0.8)]
    metrics = evaluate(
        InstanceAP(classwise=True), [objects(0, [(left, 1, 0), (right, 1, 0), (left, 3, 0)], detections)]
    )
    assert metrics['AP'] == 50
    rows = [line.split()[1::2] for line in logged[1].splitlines() if line.startswith('|')]
    assert rows == [['Class', 'AP'], ['car', '100.0'], ['person', '0.0']]


def test_pycocotools_prints_go_to_the_log(monkeypatch, capsys):
    logged = log_of(monkeypatch)
    evaluate(InstanceAP(classwise=True), SAMPLES)
    assert capsys.readouterr().out == ''
    assert logged[0].count('Average Precision') == 6
    assert logged[0].startswith('instance AP:\n Average Precision')
    assert 'person' in logged[1]
    assert 'road' not in logged[1]
