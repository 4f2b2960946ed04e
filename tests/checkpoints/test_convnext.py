"""ConvNeXt weights of their authors in mmpretrain's network, and its configs."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from one_image import batch_of_one

from mmmaskformer.checkpoints import build_model
from mmmaskformer.models.segmentor import MaskFormer
from mmmaskformer.registry import MODELS

ARCH = dict(depths=[1, 1, 2, 1], channels=[4, 8, 12, 16])


@pytest.fixture
def model(root) -> MaskFormer:
    config = Config.fromfile(root / 'configs/_base_/models/maskformer_convnext-t.py')
    config.model.backbone.update(arch=ARCH, init_cfg=None)
    config.model.decode_head.update(in_channels=ARCH['channels'], num_classes=3, num_queries=4)
    return build_model(config)


def official(backbone: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A state dict under the authors' names, with the final norm and the classifier of theirs."""
    state = {'norm.weight': torch.full((16,), 3.0), 'norm.bias': torch.zeros(16)}
    state['head.weight'] = torch.rand(5, 16)
    for name, tensor in backbone.state_dict().items():
        if not name.startswith('norm'):
            theirs = name.replace('depthwise_conv', 'dwconv').replace('pointwise_conv', 'pwconv')
            state[theirs] = torch.rand_like(tensor)
    return state


def test_every_tensor_of_the_authors_is_used(model):
    state = official(model.backbone)
    model.backbone.load_state_dict(dict(state), strict=False)
    own = model.backbone.state_dict()
    assert torch.equal(own['stages.2.1.depthwise_conv.weight'], state['stages.2.1.dwconv.weight'])
    assert torch.equal(own['stages.3.0.pointwise_conv2.bias'], state['stages.3.0.pwconv2.bias'])
    assert torch.equal(own['stages.0.0.gamma'], state['stages.0.0.gamma'])
    assert torch.equal(own['downsample_layers.1.1.weight'], state['downsample_layers.1.1.weight'])
    assert (own['norm3.weight'] == 3).all()


def test_a_tensor_that_is_missing_is_named(model):
    state = official(model.backbone)
    del state['stages.1.0.gamma']
    with pytest.raises(ValueError, match=r'stages\.1\.0\.gamma'):
        model.backbone.load_state_dict(state, strict=False)


def test_an_unknown_tensor_is_named(model):
    state = {**official(model.backbone), 'stages.0.0.grn.gamma': torch.zeros(1)}
    with pytest.raises(ValueError, match=r'stages\.0\.0\.grn\.gamma'):
        model.backbone.load_state_dict(state, strict=False)


def test_training_step_and_prediction(model):
    data = model.data_preprocessor(batch_of_one(), training=True)
    sum(model.loss(**data).values()).backward()
    assert all(p.grad is not None for p in model.backbone.parameters())
    model.eval()
    with torch.no_grad():
        (result,) = model.test_step(batch_of_one())
    assert result.pred_sem_seg.data.shape == (1, 64, 96)


@pytest.mark.parametrize('name', ['convnext_ade20k', 'convnext_coco_panoptic'])
def test_norms_queries_and_layer_scales_are_not_decayed(root, name):
    config = Config.fromfile(root / f'configs/maskformer/{name}.py')
    init_default_scope(config.default_scope)
    config.model.backbone.update(arch=ARCH, init_cfg=None)
    config.model.decode_head.in_channels = ARCH['channels']
    model = MODELS.build(config.model)
    optimizer = build_optim_wrapper(model, config.optim_wrapper).optimizer
    undecayed = {
        id(p) for group in optimizer.param_groups if not group['weight_decay'] for p in group['params']
    }
    names = {name for name, p in model.backbone.named_parameters() if id(p) in undecayed}
    scales = {f'stages.{stage}.{block}.gamma' for stage, n in enumerate(ARCH['depths']) for block in range(n)}
    assert {name for name in names if 'gamma' in name} == scales
    assert all(any(part in name for part in ('norm', 'gamma', 'downsample')) for name in names)
    assert 'norm0.weight' in names
