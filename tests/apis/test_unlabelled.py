"""Test data without ground truth."""

from __future__ import annotations

import cv2
import pytest
import torch
from mmengine.config import Config

from mmmaskformer.apis import evaluate_model
from mmmaskformer.apis.unlabelled import predict_alone
from mmmaskformer.checkpoints import build_model
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

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


def test_predictions_are_written(root, tmp_path):
    """Images alone: a label map for each, and no score."""
    write_toy(tmp_path / 'toy', ToyRecipe(num_training=1, num_validation=2, height=64, width=96))
    cfg = Config.fromfile(root / 'configs/toy/maskformer_r18_toy.py')
    cfg.work_dir, cfg.launcher = str(tmp_path / 'work'), 'none'
    cfg.test_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'toy')
    cfg.test_dataloader.dataset.data_prefix = dict(img_path='images/validation', seg_map_path=None)
    cfg.model.backbone.init_cfg = None
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta={}), tmp_path / 'weights.pth')
    assert evaluate_model(cfg, str(tmp_path / 'weights.pth'), out=str(tmp_path / 'out')) == {}
    written = sorted((tmp_path / 'out').rglob('*.png'))
    assert [path.name for path in written] == ['00000.png', '00001.png']
    assert cv2.imread(str(written[0]), cv2.IMREAD_UNCHANGED).shape == (64, 96)
