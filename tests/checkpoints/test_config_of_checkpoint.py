"""The config that has the shapes of a checkpoint."""

from __future__ import annotations

import pytest
import torch
from golden_outputs import CONFIGS, GOLDEN, golden_config

from mmmaskformer.checkpoints import (
    build_model,
    config_for,
    config_of_checkpoint,
    convert_checkpoint,
    read_checkpoint,
)
from mmmaskformer.checkpoints.config_of_checkpoint import Shapes, shapes_of_config, shapes_of_state

NAMES = ['semantic_r', 'semantic_rc', 'semantic_swin', 'panoptic_r', 'per_pixel', 'per_pixel_plus']


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """Adds configs to a zoo of its own: ``zoo(name, base, text)``."""
    (tmp_path / 'maskformer').mkdir()
    monkeypatch.setattr(config_of_checkpoint, 'FOLDERS', (tmp_path / 'absent', tmp_path))

    def add(name: str, base: str, text: str = 'a = 1') -> None:
        content = f"_base_ = '{CONFIGS / base}.py'\n{text}\n"
        (tmp_path / 'maskformer' / f'{name}.py').write_text(content)

    return add


@pytest.mark.parametrize('name', NAMES)
def test_shapes_of_a_checkpoint_are_those_of_its_config(name):
    state = read_checkpoint(GOLDEN / f'{name}.pkl').state
    config = golden_config(name)
    assert shapes_of_state(state) == shapes_of_config(config)


def test_shapes_say_what_they_are():
    shapes = shapes_of_state(read_checkpoint(GOLDEN / 'semantic_swin.pkl').state)
    assert shapes == Shapes('Swin', (2, 2, 2, 2), 8, 4, 'MaskFormerHead', 5, 9, 0, 3)
    assert str(shapes).startswith(
        'backbone Swin, blocks (2, 2, 2, 2), width 8, window 4, head MaskFormerHead'
    )


def test_the_one_that_fits(zoo, tmp_path):
    for name in NAMES:
        zoo(name, name)
    zoo('alias', 'panoptic_r', '')
    notes = convert_checkpoint(GOLDEN / 'panoptic_r.pkl', tmp_path / 'out.pth')
    assert notes[0].endswith('in the format official.')
    assert notes[1].endswith('maskformer/panoptic_r.py.')
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    build_model(golden_config('panoptic_r')).load_state_dict(state, strict=True)


def test_several_that_differ_in_training_alone(zoo):
    zoo('swin-in1k', 'semantic_swin')
    zoo('swin-in22k', 'semantic_swin', "model = dict(backbone=dict(init_cfg=dict(type='Pretrained')))")
    _, note = config_for(read_checkpoint(GOLDEN / 'semantic_swin.pkl').state)
    assert 'swin-in1k.py (as well: ' in note
    assert 'swin-in22k.py)' in note


def test_several_that_differ_in_more(zoo):
    zoo('ade', 'semantic_r', "test_dataloader = dict(dataset=dict(type='ADE20KDataset'))")
    zoo('other', 'semantic_r', "test_dataloader = dict(dataset=dict(type='PascalContextDataset'))")
    state = read_checkpoint(GOLDEN / 'semantic_r.pkl').state
    with pytest.raises(ValueError, match=r'several configs .*--config: .*ade\.py, .*other\.py'):
        config_for(state)
    backbone = {name: tensor for name, tensor in state.items() if name.startswith('backbone.')}
    assert config_for(backbone)[0].filename.endswith('ade.py')  # the same backbone in both


def test_detr_with_and_without_a_dilated_stage(zoo):
    """The tensors are the same: the message names both configs."""
    dilated = 'model = dict(backbone=dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)))'
    zoo('r50', 'detr_panoptic')
    zoo('r50_dc5', 'detr_panoptic', dilated)
    state = build_model(golden_config('detr_panoptic')).state_dict()
    with pytest.raises(
        ValueError, match=r'several configs .*head DETRHead.*--config: \S*r50\.py, \S*r50_dc5\.py$'
    ):
        config_for(state)


def test_max_deeplab(zoo):
    zoo('s', 'max_deeplab_s')
    zoo('deep', 'max_deeplab_s', 'model = dict(backbone=dict(num_blocks=(1, 1, 1, 9)))')
    config = golden_config('max_deeplab_s')
    state = build_model(config).state_dict()
    assert shapes_of_state(state) == shapes_of_config(config)._replace(width=None)
    assert config_for(state)[0].filename.endswith('/s.py')


def test_none_that_fits(zoo):
    zoo('semantic_r', 'semantic_r')
    state = read_checkpoint(GOLDEN / 'semantic_rc.pkl').state
    with pytest.raises(
        ValueError, match=r'no config of the zoo .*backbone ResNetV1c, .*num queries 9.*--config'
    ):
        config_for(state)


def test_learned_queries_are_not_yet_mask2former(zoo):
    """Small-data recipes learn queries, and have backbones of timm."""
    zoo('semantic_r', 'semantic_r')
    queries = torch.zeros(5, 8)
    state = {
        'backbone.timm_model.conv_stem.weight': torch.zeros(8, 3, 3, 3),
        'decode_head.class_embed.bias': torch.zeros(4),
        'decode_head.transformer_decoder.query_embed.weight': queries,
        'decode_head.transformer_decoder.query_feat.weight': queries,
    }
    assert shapes_of_state(state).head == 'MaskFormerHead'
    with pytest.raises(
        ValueError, match=r'\(backbone of no model of the zoo, blocks \(\), head MaskFormerHead'
    ):
        config_for(state)
    state['decode_head.transformer_decoder.level_embed.weight'] = torch.zeros(3, 8)
    assert shapes_of_state(state).head == 'Mask2FormerHead'


def test_every_config_of_the_zoo_is_found_by_its_shapes():
    """Two that share shapes give the same checkpoint, so no official MaskFormer needs ``--config``.

    Mask2Former has the same network for semantic and panoptic results of one data set, DETR with and
    without a dilated last stage, MaX-DeepLab for two sizes of images.
    """
    by_shape: dict[Shapes, list] = {}
    for candidate in config_of_checkpoint._candidates():
        by_shape.setdefault(shapes_of_config(candidate.config), []).append(candidate.config)
    assert len(by_shape) > 20
    for shapes, configs in by_shape.items():
        if shapes.head == 'Mask2FormerHead' or shapes.head.startswith('DETRHead'):
            assert len(configs) <= 3
            continue
        if shapes.head == 'DualPathHead':
            assert len({str(config.model.test_cfg) for config in configs}) <= 2
            continue
        outcomes = [config_of_checkpoint._outcome(config, None) for config in configs]
        assert all(outcome == outcomes[0] for outcome in outcomes), [c.filename for c in configs]
