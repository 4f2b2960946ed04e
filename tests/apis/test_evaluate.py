"""Evaluation with test-time augmentation, and of images without ground truth."""

from __future__ import annotations

import logging

import cv2
import pytest
import torch
from mmengine.config import Config

from mmmaskformer.apis import evaluate_model
from mmmaskformer.apis.evaluate import predict_only, use_augmentation
from mmmaskformer.checkpoints import build_model
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

IOU, PQ, AP = (dict(type=t) for t in ('IoUMetric', 'mmmaskformer.PanopticQuality', 'mmmaskformer.InstanceAP'))


def augmented_config(evaluator, **settings) -> Config:
    cfg = dict(
        model=dict(type='mmmaskformer.MaskFormer'),
        test_dataloader=dict(dataset=dict(pipeline=['plain'])),
        test_evaluator=evaluator,
        tta_pipeline=['augmented'],
        tta_model=dict(type='mmmaskformer.MaskFormerTTAModel'),
    )
    return Config({**cfg, **settings})


def test_semantic_metrics_remain(caplog):
    cfg = augmented_config(
        [PQ, dict(IOU, iou_metrics=['mIoU']), AP, dict(type='mmmaskformer.SemanticPanopticQuality')]
    )
    with caplog.at_level(logging.WARNING):
        use_augmentation(cfg)
    kinds = [evaluator.type for evaluator in cfg.test_evaluator]
    assert kinds == ['IoUMetric', 'mmmaskformer.SemanticPanopticQuality']
    assert cfg.test_dataloader.dataset.pipeline == ['augmented']
    assert cfg.model.module.type == 'mmmaskformer.MaskFormer'


@pytest.mark.parametrize('evaluator', [PQ, AP, [PQ, AP]])
def test_metrics_of_segments_only_are_refused(evaluator):
    with pytest.raises(ValueError, match=r'has only metrics of segments \(.*leave --tta out'):
        use_augmentation(augmented_config(evaluator))


def test_config_without_pipeline():
    for missing in ({'tta_pipeline': None}, {}):
        cfg = augmented_config(IOU, **missing)
        if not missing:
            cfg.pop('tta_pipeline')
        with pytest.raises(
            ValueError, match=r'tta_pipeline, which the config lacks; for example tta_pipeline = '
        ):
            use_augmentation(cfg)


@pytest.mark.parametrize(
    ('model', 'expected'),
    [('mmmaskformer.MaskFormer', 'mmmaskformer.MaskFormerTTAModel'), ('EncoderDecoder', 'SegTTAModel')],
)
def test_model_of_averages_is_known(model, expected):
    cfg = augmented_config(IOU, model=dict(type=model))
    cfg.pop('tta_model')
    use_augmentation(cfg)
    assert cfg.model.type == expected


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('augmentation') / 'toy'
    write_toy(folder, ToyRecipe(num_training=1, num_validation=2, height=64, width=96))
    return folder


@pytest.mark.parametrize(('name', 'mode'), [('toy', 'slide'), ('toy-panoptic', 'whole')])
def test_evaluation(root, toy, tmp_path, name, mode):
    """The toy configs have a pipeline of three scales and two flips."""
    cfg = Config.fromfile(root / f'configs/toy/maskformer_r18_{name}.py')
    cfg.work_dir, cfg.launcher = str(tmp_path), 'none'
    cfg.test_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.data_root = str(toy)
    cfg.model.backbone.init_cfg = None
    if mode == 'slide':
        cfg.model.test_cfg = dict(mode='slide', crop_size=(96, 96), stride=(64, 64))
    checkpoint = write_weights(cfg, tmp_path / 'weights.pth')
    metrics = evaluate_model(cfg, str(checkpoint), tta=True)
    assert 'mIoU' in metrics
    assert 'PQ' not in metrics


def write_weights(cfg, path):
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta={}), path)
    return path


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


def unlabelled_config(evaluators, wrap=lambda dataset: dataset, **dataset) -> Config:
    defaults = dict(type='BaseSegDataset', data_prefix=dict(img_path='img'), pipeline=PIPELINE)
    return Config(
        dict(test_dataloader=dict(dataset=wrap({**defaults, **dataset})), test_evaluator=evaluators)
    )


@pytest.mark.parametrize(
    'evaluators', [dict(type='IoUMetric'), [dict(type='IoUMetric'), dict(type='mmmaskformer.ClassIoU')]]
)
def test_label_maps_are_not_loaded_and_no_metric_is_computed(evaluators):
    cfg = unlabelled_config(evaluators)
    predict_only(cfg, writes=True)
    assert cfg.test_evaluator == []
    assert cfg.test_dataloader.dataset.pipeline == WITHOUT


def test_metrics_that_write_files_do_so():
    cfg = unlabelled_config([dict(type='mmmaskformer.PanopticQuality'), dict(type='IoUMetric')])
    predict_only(cfg, writes=True)
    assert cfg.test_evaluator == [dict(type='mmmaskformer.PanopticQuality', format_only=True)]


def test_inside_a_wrapper():
    cfg = unlabelled_config(
        dict(type='IoUMetric'), lambda dataset: dict(type='ConcatDataset', datasets=[dataset, dataset])
    )
    predict_only(cfg, writes=True)
    assert [dataset.pipeline for dataset in cfg.test_dataloader.dataset.datasets] == [WITHOUT] * 2


def test_nothing_to_do_is_an_error():
    with pytest.raises(ValueError, match=r'no ground truth .*no seg_map_path.* --out or --show-dir'):
        predict_only(unlabelled_config(dict(type='IoUMetric')), writes=False)


@pytest.mark.parametrize(
    'labelled',
    [
        dict(data_prefix=dict(img_path='img', seg_map_path='ann')),
        dict(ann_file='instances.json'),  # ground truth is in the file
        dict(data_prefix=None),  # the class knows
    ],
)
def test_ground_truth_stays(labelled):
    cfg = unlabelled_config(dict(type='IoUMetric'), **labelled)
    predict_only(cfg, writes=False)
    assert cfg.test_evaluator.type == 'IoUMetric'
    assert cfg.test_dataloader.dataset.pipeline == PIPELINE


def test_predictions_are_written(root, tmp_path):
    """Images without ground truth: a label map for each image, and no score."""
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
