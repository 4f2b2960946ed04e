"""Models are evaluated with every score, compared class by class, and put into one table."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS

sys.path.insert(0, str(Path(__file__).parent))

from small_runs import CLASSES, write_data, write_run

from mmmaskformer.analysis import (
    class_scores,
    compare_models,
    evaluate_run,
    find_runs,
    markdown_table,
    pair_classes,
    write_class_table,
    write_query_sheet,
)
from mmmaskformer.analysis.scores import add_semantic_quality

BASELINE = dict(
    type='mmmaskformer.PerPixelBaselineHead',
    in_channels=[8, 16, 32, 64],
    num_classes=4,
    pixel_decoder=dict(
        type='mmmaskformer.FPNPixelDecoder',
        channels=16,
        mask_channels=12,
        norm_cfg=dict(type='GN', num_groups=4),
    ),
)


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """MaskFormer and the per-pixel baseline, random weights, on three images."""
    folder = tmp_path_factory.mktemp('evaluation')
    data = write_data(folder / 'data')
    write_run(folder / 'masks', data)
    write_run(folder / 'pixels', data, decode_head=BASELINE)
    return find_runs([str(folder / 'masks'), str(folder / 'pixels')])


@pytest.fixture(scope='module')
def evaluated(runs):
    return [evaluate_run(run) for run in runs]


def class_iou_by_hand(run):
    """Intersection and union, counted image by image."""
    model, dataset = run.load(), DATASETS.build(run.config.test_dataloader.dataset)
    counts = np.zeros((4, 2))
    for i in range(len(dataset)):
        sample = model.test_step(pseudo_collate([dataset[i]]))[0]
        ground_truth, found = (sample.get(key).data.numpy() for key in ('gt_sem_seg', 'pred_sem_seg'))
        for k in range(4):
            here, there = ground_truth == k, (found == k) & (ground_truth != 255)
            counts[k] += (here & there).sum(), (here | there).sum()
    return 100 * counts[:, 0] / counts[:, 1]


def test_iou_of_classes_as_counted_by_hand(runs, evaluated):
    for run, scores in zip(runs, evaluated):
        expected = class_iou_by_hand(run)
        assert list(scores.class_iou) == list(CLASSES)
        np.testing.assert_allclose(list(scores.class_iou.values()), expected, atol=1e-4)
        assert scores.values['mIoU'] == pytest.approx(expected.mean(), abs=0.006)  # mmseg rounds it
        assert set(scores.values) == {'mIoU', 'PQ_sem'}
        assert (
            json.loads((run.work_dir / 'evaluation/scores.json').read_text())['checkpoint'] == 'iter_40.pth'
        )
        assert (run.work_dir / 'small.py').read_text().count('ClassIoU') == 0, 'the config stays as it was'


def test_table_of_models(runs, evaluated, tmp_path):
    rows, notes = compare_models(runs, repeats=1)
    assert [row.label for row in rows] == ['masks', 'pixels']
    assert rows[1].parameters == sum(p.numel() for p in runs[1].load().parameters()) < rows[0].parameters
    assert all(row.multiply_adds > 1e6 and row.milliseconds > 0 for row in rows)
    assert [row.scores['mIoU'][0] for row in rows] == [scores.values['mIoU'] for scores in evaluated]
    assert [row.training_seconds for row in rows] == [0.5, 0.5]
    assert 'one image of 64 x 96' in notes[0]
    assert notes[1] == 'Scores are of test data.'
    assert 'PQ^St' in markdown_table(rows)


def test_configs_alone_have_costs_and_cannot_be_evaluated():
    (run,) = find_runs(['toy/per_pixel_baseline_r18_toy'])
    with pytest.raises(ValueError, match='has no checkpoint'):
        compare_models([run], evaluate=True)
    (row,), _ = compare_models([run], shape=(32, 64), repeats=0)
    assert (row.milliseconds, row.memory, row.scores, row.source) == (None, None, {}, None)
    assert row.multiply_adds > 0


def test_metrics_are_added_once():
    iou = dict(type='IoUMetric', iou_metrics=['mIoU'], ignore_index=7)
    once = add_semantic_quality(iou)
    assert [config['type'] for config in once] == [
        'mmmaskformer.ClassIoU',
        'mmmaskformer.SemanticPanopticQuality',
    ]
    assert once[1]['ignore_index'] == 7
    assert iou['type'] == 'IoUMetric'
    assert add_semantic_quality(once) == once
    panoptic = [dict(type='mmmaskformer.PanopticQuality')]
    assert add_semantic_quality(panoptic) == panoptic


def test_classes_side_by_side(tmp_path):
    first = {'road': 80.0, 'car': 10.0, 'tree': None, 'sky': 50.0}
    second = {'road': 70.0, 'car': 40.0, 'tree': None, 'sky': 50.5}
    pairs = pair_classes(first, second)
    assert [pair.name for pair in pairs] == ['car', 'sky', 'road', 'tree']
    text = write_class_table(pairs, ('a', 'b'), tmp_path)
    assert text.splitlines()[2:] == [
        '| car | 10.0 | 40.0 | +30.0 |',
        '| sky | 50.0 | 50.5 | +0.5 |',
        '| road | 80.0 | 70.0 | -10.0 |',
        '| tree | - | - | - |',
        '| mean | 46.7 | 53.5 | +6.8 |',
    ]
    assert json.loads((tmp_path / 'classes.json').read_text())['iou'][0]['difference'] == 30.0
    assert (tmp_path / 'classes.png').stat().st_size > 5000
    with pytest.raises(ValueError, match="different classes: only one of them has 'boat'"):
        pair_classes(first, {**second, 'boat': 1.0})


def test_classes_come_from_the_evaluation(runs, evaluated):
    assert class_scores(runs[0]) == evaluated[0].class_iou


def test_queries_of_a_run(runs, tmp_path):
    write_query_sheet(runs[0], tmp_path, num_images=2)
    summary = json.loads((tmp_path / 'queries.json').read_text())
    assert summary['images'] == 2
    assert sorted(query['query'] for query in summary['queries']) == list(range(7))
    assert (tmp_path / 'queries.png').is_file()
    with pytest.raises(ValueError, match='PerPixelBaselineHead has no queries'):
        write_query_sheet(runs[1], tmp_path)
