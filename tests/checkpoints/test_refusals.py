"""Checkpoints that must be refused, each with a sentence that names the tensor or the reason."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from golden_outputs import GOLDEN, golden_config

from mmmaskformer.checkpoints import build_model, convert_checkpoint, load_strictly, read_state_dict
from mmmaskformer.checkpoints.exporting import write_huggingface, write_official
from mmmaskformer.checkpoints.formats import to_our_names

SOURCES = {'semantic_r': 'semantic_r.pkl', 'semantic_swin': 'semantic_swin.pkl', 'hf_swin': 'hf_swin'}
TENSORS = {  # one that a transform or a merge touches where there is one
    'semantic_r': 'sem_seg_head.predictor.query_embed.weight',
    'semantic_swin': 'backbone.layers.0.downsample.reduction.weight',
    'hf_swin': 'model.transformer_module.decoder.layers.1.self_attn.k_proj.weight',
}


@pytest.fixture(params=SOURCES)
def name(request) -> str:
    return request.param


def refusal(name: str, edit) -> str:
    """What is message of a golden checkpoint after ``edit`` has changed it."""
    state = read_state_dict(GOLDEN / SOURCES[name])
    edit(state)
    with pytest.raises(ValueError, match=r'^file\.pth') as caught:
        load(state, name)
    return str(caught.value)


def load(state: dict, name: str) -> None:
    converted = to_our_names(state, 'file.pth')
    load_strictly(build_model(golden_config(name)), converted.state, 'file.pth', converted)


def test_missing(name):
    assert f"lacks '{TENSORS[name]}'" in refusal(name, lambda state: state.pop(TENSORS[name]))


def test_extra(name):
    message = refusal(name, lambda state: state.update({'extra.more': torch.ones(1)}))
    assert "holds 'extra.more', which no rule of this format knows" in message


def test_renamed(name):
    old = TENSORS[name]
    new = old.replace('weight', 'wieght')  # codespell:ignore
    message = refusal(name, lambda state: state.update({new: state.pop(old)}))
    assert old in message or new in message


def test_misshapen(name):
    message = refusal(name, lambda state: state.update({TENSORS[name]: torch.zeros(3, 7)}))
    assert TENSORS[name] in message
    assert 'shape' in message


@pytest.mark.parametrize(
    ('tensor', 'shape', 'setting'),
    [
        ('sem_seg_head.predictor.query_embed.weight', (100, 32), 'num_queries'),
        ('sem_seg_head.pixel_decoder.mask_features.bias', (8,), 'mask_channels'),
    ],
)
def test_setting_that_explains_a_shape(tensor, shape, setting):
    message = refusal('semantic_r', lambda state: state.update({tensor: torch.zeros(shape)}))
    assert f"'{tensor}'" in message
    assert f'{shape}, but' in message
    assert setting in message


def test_unknown_format():
    with pytest.raises(ValueError, match=r'holds tensors a, b \.\.\., names of no known format; .* official'):
        to_our_names({'a': torch.ones(1), 'b': torch.ones(1)}, 'file.pth')


class RunsCode:
    def __reduce__(self):
        return print, ('the pickle ran code',)


def test_pickle_that_runs_code(tmp_path, capsys):
    content = {'model': {'a': RunsCode()}}
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r'evil\.pkl cannot be read.*builtins\.print'):
        read_state_dict(tmp_path / 'evil.pkl')
    torch.save(content, tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth cannot be read(.|\n)*print'):
        read_state_dict(tmp_path / 'evil.pth')
    assert 'ran code' not in capsys.readouterr().out


@pytest.mark.parametrize('source', ['semantic_r.pkl', 'hf_resnet/model.safetensors', 'as.pth'])
def test_truncated_file(tmp_path, source):
    if source == 'as.pth':
        torch.save({'a': torch.randn(2000)}, tmp_path / 'whole.pth')
        data, suffix = (tmp_path / 'whole.pth').read_bytes(), '.pth'
    else:
        data, suffix = (GOLDEN / source).read_bytes(), (GOLDEN / source).suffix
    path = tmp_path / f'half{suffix}'
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=rf'half{suffix} cannot be read as a checkpoint'):
        read_state_dict(path)


def test_missing_and_empty_files(tmp_path):
    for path, message in (('absent.pkl', 'no checkpoint at'), ('', 'is a folder without model.safetensors')):
        with pytest.raises(FileNotFoundError, match=message):
            read_state_dict(tmp_path / path)
    (tmp_path / 'empty.pkl').write_bytes(pickle.dumps({'model': {}}))
    with pytest.raises(ValueError, match='holds no tensors'):
        read_state_dict(tmp_path / 'empty.pkl')


def test_backbone_alone_is_no_model(tmp_path):
    content = pickle.loads((GOLDEN / 'semantic_r.pkl').read_bytes())['model']
    arrays = {k.removeprefix('backbone.'): v for k, v in content.items() if k.startswith('backbone.')}
    (tmp_path / 'R-50.pkl').write_bytes(pickle.dumps({'model': {**arrays, 'stem.fc.bias': np.zeros(9)}}))
    with pytest.raises(ValueError, match='is a backbone alone: only whole models are written as official'):
        convert_checkpoint(
            tmp_path / 'R-50.pkl', tmp_path / 'x.pkl', golden_config('semantic_r'), to='official'
        )


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('panoptic_r', 'no a transformer encoder in the pixel decoder'),
        ('semantic_rc', 'no ResNetV1c'),
        ('per_pixel', 'no PerPixelBaselineHead'),
    ],
)
def test_models_that_huggingface_lacks(tmp_path, name, reason):
    config = golden_config(name)
    with pytest.raises(ValueError, match=reason):
        write_huggingface(build_model(config), config, None, tmp_path / 'folder')
    assert not (tmp_path / 'folder').exists()


def test_model_that_the_official_code_lacks(tmp_path):
    model = build_model(golden_config('semantic_r'))
    model.decode_head.register_parameter('more', torch.nn.Parameter(torch.ones(1)))
    with pytest.raises(
        ValueError, match=r"cannot be written as official: .* no place for 'decode_head\.more'"
    ):
        write_official(model, tmp_path / 'x.pkl')
