from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_samples import META, draw_sample, evaluate, pack_sample
from mmengine.structures import PixelData

from mmmaskformer.evaluation import PanopticQuality, SemanticPanopticQuality
from mmmaskformer.registry import METRICS

GOLDEN = Path(__file__).resolve().parent.parent / 'golden'
SAMPLES = [draw_sample(number) for number in range(5)]


def test_both_are_registered():
    for kind in (PanopticQuality, SemanticPanopticQuality):
        assert isinstance(METRICS.build(dict(type=f'mmmaskformer.{kind.__name__}')), kind)


def by_hand(tree=4):
    """A car found at 3/4, a person missed, a road called tree; the crowd of cars and void excuse two cars."""
    ground_truth = np.array([[1, 1, 1, 1, 2, 2, 3, 3, 0, 0, 4, 4]])
    segments = [
        dict(id=i, category_id=c, iscrowd=k, isthing=t)
        for i, c, k, t in ((1, 1, 0, True), (2, 3, 0, True), (3, 2, 0, False), (4, 1, 1, True))
    ]
    prediction = np.array([[1, 1, 1, 0, 0, 0, 3, 3, 4, 4, 5, 5]])
    predicted_segments = [
        dict(id=i, category_id=c, isthing=c in (1, 3), score=1.0)
        for i, c in ((1, 1), (3, tree), (4, 1), (5, 1))
    ]
    return pack_sample(1, ground_truth, segments, prediction, predicted_segments)


def test_panoptic_by_hand():
    metrics = evaluate(PanopticQuality(), [by_hand()])
    # car 1 / 0.75 / 1, person 0, road 0, tree 0; the sky was not seen
    expected = dict(PQ=18.75, SQ=18.75, RQ=25, PQ_th=37.5, SQ_th=37.5, RQ_th=50, PQ_st=0, SQ_st=0, RQ_st=0)
    assert metrics == pytest.approx(expected)


def test_semantic_by_hand():
    metrics = evaluate(SemanticPanopticQuality(), [by_hand(tree=2)])
    # in the label map, where nothing is predicted is sky: 3 pixels that are no sky
    # car: 5 of 6 pixels (crowds count as any other), person missed, road found, sky false
    assert metrics == pytest.approx(dict(PQ_sem=(500 / 6 + 100) / 4, SQ_sem=(500 / 6 + 100) / 4, RQ_sem=50))


def test_golden_by_the_metric():
    golden = np.load(GOLDEN / 'panoptic_quality.npz')
    ground_truth, predictions, result = (
        json.loads(str(golden[key])) for key in ('gt_json', 'pred_json', 'result')
    )
    ids = [category['id'] for category in ground_truth['categories']]
    names = [category['name'] for category in ground_truth['categories']]
    meta = dict(
        classes=names,
        thing_classes=[c['name'] for c in ground_truth['categories'] if c['isthing']],
        category_ids=ids,
    )
    metric = PanopticQuality(prefix='coco')
    metric.dataset_meta = meta
    for i, pair in enumerate(zip(ground_truth['annotations'], predictions['annotations'])):
        maps = [
            PixelData(data=torch.from_numpy(golden[f'{side}_{i}'])[None]).to_dict() for side in ('gt', 'pred')
        ]
        lists = [
            [{**s, 'category_id': ids.index(s['category_id'])} for s in a['segments_info']] for a in pair
        ]
        sample = dict(img_id=i)
        for side, ids_map, segments in zip(('gt', 'pred'), maps, lists):
            sample.update({f'{side}_panoptic_seg': ids_map, f'{side}_segments_info': segments})
        metric.process({}, [sample])
    expected = {
        f'coco/{key.upper()}{ending}': 100 * result[group][key]
        for group, ending in (('All', ''), ('Things', '_th'), ('Stuff', '_st'))
        for key in ('pq', 'sq', 'rq')
    }
    assert metric.evaluate(12) == pytest.approx(expected, abs=1e-6)


def test_golden_semantic_by_the_metric():
    golden = np.load(GOLDEN / 'pq_semantic.npz')
    result = json.loads(str(golden['result']))
    metric = SemanticPanopticQuality()
    metric.dataset_meta = dict(classes=[str(i) for i in range(8)])
    for i in range(10):
        maps = {
            f'{side}_sem_seg': dict(data=torch.from_numpy(golden[f'{side}_{i}'])[None])
            for side in ('gt', 'pred')
        }
        metric.process({}, [dict(img_path=f'{i}.jpg', **maps)])
    expected = {f'{key.upper()}_sem': 100 * result[key] for key in ('pq', 'sq', 'rq')}
    assert metric.evaluate(10) == pytest.approx(expected, abs=1e-6)


def test_ground_truth_against_itself():
    samples = deepcopy(SAMPLES)
    for sample in samples:
        listed = {segment['id'] for segment in sample.gt_segments_info}
        sample.pred_panoptic_seg = sample.gt_panoptic_seg
        present = set(sample.gt_panoptic_seg.data.unique().tolist()) & listed
        sample.set_data(dict(pred_segments_info=[s for s in sample.gt_segments_info if s['id'] in present]))
        sample.set_data(dict(gt_segments_info=sample.pred_segments_info))
        sample.pred_sem_seg = sample.gt_sem_seg
    for metric in (PanopticQuality(), SemanticPanopticQuality()):
        assert set(evaluate(metric, samples).values()) == {100.0}


@pytest.mark.parametrize('kind', [PanopticQuality, SemanticPanopticQuality])
def test_order_and_repeats_of_images_do_not_matter(kind):
    expected = evaluate(kind(), SAMPLES)
    assert 0 < min(expected.values()) < max(expected.values()) < 100
    assert evaluate(kind(), [*SAMPLES[::-1], SAMPLES[2], SAMPLES[4]]) == expected


def test_an_evaluation_starts_afresh():
    metric = PanopticQuality()
    evaluate(metric, SAMPLES[:2])
    assert evaluate(metric, SAMPLES[2:]) == evaluate(PanopticQuality(), SAMPLES[2:])


def test_images_of_one_id_in_two_folders_both_count():
    other = deepcopy(SAMPLES[1])
    other.set_metainfo(dict(img_id=0))
    assert evaluate(PanopticQuality(), [SAMPLES[0], other]) == evaluate(PanopticQuality(), SAMPLES[:2])


def test_a_group_without_classes_is_nan():
    metrics = evaluate(PanopticQuality(), SAMPLES, {**META, 'thing_classes': META['classes']})
    assert np.isnan([metrics[name] for name in ('PQ_st', 'SQ_st', 'RQ_st')]).all()
    assert metrics['PQ'] == metrics['PQ_th']


def test_the_table_names_every_class(monkeypatch):
    printed = []
    monkeypatch.setattr(
        'mmmaskformer.evaluation.panoptic_metrics.print_log', lambda text, **_: printed.append(text)
    )
    evaluate(PanopticQuality(), [by_hand()])
    rows = [re.findall(r'[\w.]+', line) for line in printed[0].splitlines() if line.startswith('|')]
    assert rows[1] == ['sky', 'nan', 'nan', 'nan', '0', '0', '0']
    assert rows[2] == ['car', '75.0', '75.0', '100.0', '1', '0', '0']
    assert [row[0] for row in rows[1:]] == list(META['classes'])


@pytest.mark.parametrize(
    ('kind', 'missing', 'message'),
    [
        (PanopticQuality, 'gt_panoptic_seg', 'folder/000000.jpg: the sample has no gt_panoptic_seg: load'),
        (PanopticQuality, 'pred_panoptic_seg', 'no pred_panoptic_seg: enable it in model.test_cfg'),
        (PanopticQuality, 'pred_segments_info', 'no pred_segments_info'),
        (SemanticPanopticQuality, 'gt_sem_seg', 'no gt_sem_seg'),
    ],
)
def test_samples_that_lack_something(kind, missing, message):
    sample = SAMPLES[0].to_dict()
    del sample[missing]
    metric = kind()
    metric.dataset_meta = META
    with pytest.raises(ValueError, match=message):
        metric.process({}, [sample])


def test_other_mistakes_in_one_sentence():
    metric = PanopticQuality()
    metric.dataset_meta = dict(classes=META['classes'])
    nameless = {key: value for key, value in SAMPLES[0].to_dict().items() if not key.startswith('img')}
    with pytest.raises(ValueError, match='neither img_id nor img_path'):
        metric.process({}, [nameless])
    layers = SAMPLES[0].to_dict()
    layers['gt_panoptic_seg'] = dict(data=torch.zeros(2, 24, 32))
    with pytest.raises(ValueError, match=r'000000.jpg: gt_panoptic_seg is .2, 24, 32.*use InstanceAP'):
        metric.process({}, [layers])
    metric.process({}, [SAMPLES[0].to_dict()])
    with pytest.raises(ValueError, match="PanopticQuality needs 'thing_classes'"):
        metric.evaluate(1)
    with pytest.raises(ValueError, match=r'format_only=True .* outfile_prefix'):
        PanopticQuality(format_only=True)
