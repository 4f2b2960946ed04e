"""Test data without ground truth."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmmaskformer.apis.unlabelled import predict_alone

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='TestTimeAug', transforms=[[dict(type='Resize')], [dict(type='LoadAnnotations')]]),
    dict(type='PackSegInputs'),
]
WITHOUT = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[[dict(type='Resize')]]),
    dict(type='PackSegInputs'),
]


def config(evaluators, wrap=lambda dataset: dataset, **dataset) -> Config:
    given = dict(type='BaseSegDataset', data_prefix=dict(img_path='img'), pipeline=PIPELINE)
    return Config(dict(test_dataloader=dict(dataset=wrap({**given, **dataset})), test_evaluator=evaluators))


@pytest.mark.parametrize(
    'evaluators', [dict(type='IoUMetric'), [dict(type='IoUMetric'), dict(type='mmmaskformer.ClassIoU')]]
)
def test_label_maps_are_not_loaded_and_nothing_is_measured(evaluators):
    cfg = config(evaluators)
    predict_alone(cfg, writes=True)
    assert cfg.test_evaluator == []
    assert cfg.test_dataloader.dataset.pipeline == WITHOUT


def test_metrics_that_write_files_do_so():
    cfg = config([dict(type='mmmaskformer.PanopticQuality'), dict(type='IoUMetric')])
    predict_alone(cfg, writes=True)
    assert cfg.test_evaluator == [dict(type='mmmaskformer.PanopticQuality', format_only=True)]


def test_inside_a_wrapper():
    cfg = config(
        dict(type='IoUMetric'), lambda dataset: dict(type='ConcatDataset', datasets=[dataset, dataset])
    )
    predict_alone(cfg, writes=True)
    assert [dataset.pipeline for dataset in cfg.test_dataloader.dataset.datasets] == [WITHOUT] * 2


def test_nothing_to_do_is_an_error():
    with pytest.raises(ValueError, match=r'no ground truth .*no seg_map_path.* --out or --show-dir'):
        predict_alone(config(dict(type='IoUMetric')), writes=False)


@pytest.mark.parametrize(
    'labelled',
    [
        dict(data_prefix=dict(img_path='img', seg_map_path='ann')),
        dict(ann_file='instances.json'),  # ground truth is in the file
        dict(data_prefix=None),  # the class knows
    ],
)
def test_ground_truth_stays(labelled):
    cfg = config(dict(type='IoUMetric'), **labelled)
    predict_alone(cfg, writes=False)
    assert cfg.test_evaluator.type == 'IoUMetric'
    assert cfg.test_dataloader.dataset.pipeline == PIPELINE
