"""``--tta``: what is averaged, what is refused before any work."""

from __future__ import annotations

import logging

import pytest
import torch
from mmengine.config import Config

from mmmaskformer.apis import evaluate_model
from mmmaskformer.apis.augmentation import use_augmentation
from mmmaskformer.checkpoints import build_model
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

IOU, PQ, AP = (dict(type=t) for t in ('IoUMetric', 'mmmaskformer.PanopticQuality', 'mmmaskformer.InstanceAP'))


def config(evaluator, **settings) -> Config:
    cfg = dict(
        model=dict(type='mmmaskformer.MaskFormer'),
        test_dataloader=dict(dataset=dict(pipeline=['plain'])),
        test_evaluator=evaluator,
        tta_pipeline=['augmented'],
        tta_model=dict(type='mmmaskformer.MaskFormerTTAModel'),
    )
    return Config({**cfg, **settings})


def test_semantic_metrics_remain(caplog):
    cfg = config([PQ, dict(IOU, iou_metrics=['mIoU']), AP, dict(type='mmmaskformer.SemanticPanopticQuality')])
    with caplog.at_level(logging.WARNING):
        use_augmentation(cfg)
    kinds = [evaluator.type for evaluator in cfg.test_evaluator]
    assert kinds == ['IoUMetric', 'mmmaskformer.SemanticPanopticQuality']
    assert cfg.test_dataloader.dataset.pipeline == ['augmented']
    assert cfg.model.module.type == 'mmmaskformer.MaskFormer'


@pytest.mark.parametrize('evaluator', [PQ, AP, [PQ, AP]])
def test_segments_alone_are_refused(evaluator):
    with pytest.raises(ValueError, match=r'measures segments alone \(.*leave --tta out'):
        use_augmentation(config(evaluator))


def test_config_without_pipeline():
    for missing in ({'tta_pipeline': None}, {}):
        cfg = config(IOU, **missing)
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
    cfg = config(IOU, model=dict(type=model))
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
