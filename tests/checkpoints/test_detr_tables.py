"""DETR's checkpoints of the official code and HuggingFace: written, read, loaded as they are, and refused."""

from __future__ import annotations

import json

import pytest
import torch
from golden_outputs import golden_config
from torch import Tensor, nn

from mmmaskformer.checkpoints import build_model, load_strictly, read_checkpoint, read_state_dict
from mmmaskformer.checkpoints.config_of_checkpoint import shapes_of_config, shapes_of_state
from mmmaskformer.checkpoints.exporting import huggingface_config, write_huggingface, write_official
from mmmaskformer.checkpoints.formats import to_our_names

FORMATS = {'official DETR': 'model.pth', 'HuggingFace DETR': 'folder'}


def small(**changes) -> tuple[nn.Module, object]:
    config = golden_config('detr_panoptic')
    config.model.decode_head.update(changes)
    if not changes.get('with_masks', True):
        config.model.test_cfg = dict(semantic=False, instance=dict())
    torch.manual_seed(0)
    return build_model(config), config


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {key: value for key, value in model.state_dict().items() if 'num_batches' not in key}


def write(model: nn.Module, config, title: str, folder) -> str:
    path = folder / FORMATS[title]
    if title.startswith('official'):
        write_official(model, path)
    else:
        write_huggingface(model, config, None, path)
    return str(path)


@pytest.mark.parametrize('masks', [True, False])
@pytest.mark.parametrize('title', FORMATS)
def test_there_and_back(tmp_path, title, masks):
    model, config = small(with_masks=masks)
    path = write(model, config, title, tmp_path)
    names = set(read_state_dict(path))
    assert any(name.startswith('detr.') for name in names) == masks
    found = read_checkpoint(path)
    assert found.format.title == title
    expected = weights(model)
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[key], value) for key, value in expected.items())
    other, _ = small(with_masks=masks)
    nn.init.zeros_(other.decode_head.class_embed.weight)
    other.load_state_dict(read_state_dict(path))  # direct loading, as by load_from
    assert torch.equal(other.decode_head.class_embed.weight, model.decode_head.class_embed.weight)
    kind = shapes_of_state(found.state)
    assert kind == shapes_of_config(config)
    assert kind.head.startswith('DETRHead')


def test_a_tensor_too_few_or_too_many_is_refused(tmp_path):
    model, config = small()
    state = read_state_dict(write(model, config, 'official DETR', tmp_path))
    lacking = {key: value for key, value in state.items() if key != 'mask_head.gn3.weight'}
    found = to_our_names(lacking, 'it')
    with pytest.raises(ValueError, match=r"lacks 'mask_head.gn3.weight' \('decode_head.mask_head.norms.2"):
        load_strictly(model, found.state, 'it', found)
    with pytest.raises(ValueError, match=r"'mask_head.more.weight', which no rule of this format knows"):
        to_our_names({**state, 'mask_head.more.weight': torch.zeros(1)}, 'it')


def test_boxes_alone_are_not_a_model_with_masks(tmp_path):
    boxes, config = small(with_masks=False)
    found = read_checkpoint(write(boxes, config, 'official DETR', tmp_path))
    with pytest.raises(ValueError, match='it lacks'):
        load_strictly(small()[0], found.state, 'it', found)


def test_settings_of_huggingface(tmp_path):
    model, config = small(num_classes=2, num_columns=6, class_columns=[1, 4])
    path = write(model, config, 'HuggingFace DETR', tmp_path)
    settings = json.loads((tmp_path / FORMATS['HuggingFace DETR'] / 'config.json').read_text())
    assert path.endswith('folder')
    assert settings['id2label']['4'] == 'LABEL_1'
    assert settings['id2label']['0'] == 'N/A'
    assert len(settings['id2label']) == 6
    wanted = dict(backbone='resnet50', dilation=False, d_model=128, encoder_layers=2, decoder_layers=3)
    assert {key: settings[key] for key in wanted} == wanted
    model.backbone.depth = 18
    with pytest.raises(ValueError, match='has ResNet-50 or ResNet-101'):
        huggingface_config(model)
