"""HuggingFace's golden models, and ours written as theirs."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import torch
from golden_checks import HUGGINGFACE, check_huggingface, huggingface_model
from golden_outputs import GOLDEN, golden_config

from mmmaskformer.checkpoints import (
    build_model,
    convert_checkpoint,
    load_strictly,
    read_state_dict,
)
from mmmaskformer.checkpoints.exporting import huggingface_config
from mmmaskformer.checkpoints.formats import to_our_names


@pytest.fixture(params=HUGGINGFACE)
def name(request) -> str:
    return request.param


def test_logits_and_loss(name):
    check_huggingface(name, 'cpu')


def test_round_trips_are_bit_identical(name, tmp_path):
    config = golden_config(name)
    convert_checkpoint(GOLDEN / name, tmp_path / 'ours.pth', config)
    convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'theirs', config, to='huggingface')
    convert_checkpoint(tmp_path / 'theirs', tmp_path / 'again.pth', config)
    first, again = read_state_dict(tmp_path / 'ours.pth'), read_state_dict(tmp_path / 'again.pth')
    assert first.keys() == again.keys()
    assert all(torch.equal(again[key], tensor) for key, tensor in first.items())
    golden, written = read_state_dict(GOLDEN / name), read_state_dict(tmp_path / 'theirs')
    assert golden.keys() == written.keys()
    unused = 'model.pixel_level_module.encoder.model.layernorm.'
    assert all(torch.equal(written[k], t) for k, t in golden.items() if not k.startswith(unused))


def test_config_says_what_theirs_says(name):
    golden = json.loads((GOLDEN / name / 'config.json').read_text())
    ours = huggingface_config(huggingface_model(name))
    for key, value in ours.items():
        if key in ('backbone_config', 'decoder_config'):
            for part, setting in value.items():
                theirs = golden[key].get(part)
                expected = 'swin' if theirs == 'maskformer-swin' else theirs  # as their published files say
                assert setting == expected, f'{key}.{part}'
        elif key != 'torch_dtype':  # called dtype by some releases
            assert value == golden[key], key


def test_names_of_classes_and_preparation(tmp_path):
    config = golden_config('hf_resnet')
    config.test_dataloader = dict(dataset=dict(type='ADE20KDataset', metainfo=dict(classes=tuple('abcde'))))
    config.test_pipeline = [dict(type='Resize', scale=(2048, 512), keep_ratio=True)]
    convert_checkpoint(GOLDEN / 'hf_resnet', tmp_path, config, to='huggingface')
    assert json.loads((tmp_path / 'config.json').read_text())['id2label']['4'] == 'e'
    preparation = json.loads((tmp_path / 'preprocessor_config.json').read_text())
    assert preparation['size'] == dict(shortest_edge=512, longest_edge=2048)
    assert preparation['image_mean'] == pytest.approx([0.485, 0.456, 0.406])


def test_folders_of_older_models(tmp_path):
    """One file of torch, or an index of several files."""
    state = read_state_dict(GOLDEN / 'hf_resnet')
    torch.save(state, tmp_path / 'pytorch_model.bin')
    assert read_state_dict(tmp_path).keys() == state.keys()
    halves = [dict(list(state.items())[i::2]) for i in range(2)]
    (tmp_path / 'pytorch_model.bin').unlink()
    for i, half in enumerate(halves):
        torch.save(half, tmp_path / f'part{i}.bin')
    where = {key: f'part{i}.bin' for i, half in enumerate(halves) for key in half}
    (tmp_path / 'pytorch_model.bin.index.json').write_text(json.dumps(dict(weight_map=where)))
    assert read_state_dict(tmp_path).keys() == state.keys()


def test_backbones_of_classifiers():
    """``SwinModel`` and ``ResNetModel`` below ``swin.`` and ``resnet.``."""
    for name, old, new in (('hf_swin', 'encoder.model.', 'swin.'), ('hf_resnet', 'encoder.', 'resnet.')):
        prefix = f'model.pixel_level_module.{old}'
        state = {k: t for k, t in read_state_dict(GOLDEN / name).items() if k.startswith(prefix)}
        bare = {new + k.removeprefix(prefix): tensor for k, tensor in state.items()}
        found = to_our_names({**bare, 'classifier.1.weight': torch.ones(2, 2)}, 'file')
        assert found.format.title == 'HuggingFace backbone'
        model, whole = build_model(golden_config(name)), huggingface_model(name)
        load_strictly(model, found.state, 'file', found)
        norms = {f'norm{i}.{part}' for i in range(4) for part in ('weight', 'bias')}
        for key, tensor in model.backbone.state_dict().items():
            assert key in norms or torch.equal(tensor, whole.backbone.state_dict()[key]), key


CODE = """
import sys, numpy, torch
from transformers import MaskFormerForInstanceSegmentation as Model
model, info = Model.from_pretrained(sys.argv[1], output_loading_info=True)
assert not any(info.values()), info
golden = numpy.load(sys.argv[2])
with torch.no_grad():
    output = model.eval()(torch.from_numpy(golden['pixel_values']))
pairs = ((output.class_queries_logits, 'class_logits'), (output.masks_queries_logits, 'mask_logits'))
for found, key in pairs:
    expected = torch.from_numpy(golden[key])
    off = (found - expected).abs().max() / expected.abs().max()
    assert off < 1e-5, (key, off)
    print(key, float(off))
"""


def test_transformers_loads_what_we_write(name, tmp_path):
    """With the interpreter of an environment that has ``transformers``: it does not go with mmpretrain."""
    python = os.environ.get('MMMASKFORMER_TRANSFORMERS_PYTHON')
    if not python:
        pytest.skip('set MMMASKFORMER_TRANSFORMERS_PYTHON to a Python with transformers to run it')
    convert_checkpoint(GOLDEN / name, tmp_path / 'folder', golden_config(name), to='huggingface')
    command = [python, '-c', CODE, str(tmp_path / 'folder'), str(GOLDEN / f'{name}.npz')]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
