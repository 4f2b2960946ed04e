"""Models on a GPU are written as those on a CPU are."""

from __future__ import annotations

import json
import pickle

import numpy as np
import torch
from golden_outputs import golden_config, golden_model
from tensor_on_gpu import on_gpu

from mmmaskformer.checkpoints import build_model, read_state_dict
from mmmaskformer.checkpoints.exporting import write_huggingface, write_official


def move_state_to_gpu(model: torch.nn.Module, monkeypatch) -> None:
    state = {name: on_gpu(tensor) for name, tensor in model.state_dict().items()}
    monkeypatch.setattr(model, 'state_dict', lambda: state)


def test_official_file_of_a_model_on_a_gpu(tmp_path, monkeypatch):
    model = golden_model('semantic_r')
    write_official(model, tmp_path / 'cpu.pkl')
    move_state_to_gpu(model, monkeypatch)
    write_official(model, tmp_path / 'gpu.pkl')
    cpu, gpu = (pickle.loads((tmp_path / f'{name}.pkl').read_bytes())['model'] for name in ('cpu', 'gpu'))
    assert cpu.keys() == gpu.keys()
    assert all(type(value) is np.ndarray and np.array_equal(value, cpu[name]) for name, value in gpu.items())


def test_huggingface_folder_of_a_model_on_a_gpu(tmp_path, monkeypatch):
    config = golden_config('hf_swin')
    model = build_model(config)
    write_huggingface(model, config, None, tmp_path / 'cpu')
    move_state_to_gpu(model, monkeypatch)
    write_huggingface(model, config, None, tmp_path / 'gpu')
    cpu, gpu = (read_state_dict(tmp_path / name) for name in ('cpu', 'gpu'))
    assert cpu.keys() == gpu.keys()
    assert all(torch.equal(value, cpu[name]) for name, value in gpu.items())
    assert json.loads((tmp_path / 'gpu/config.json').read_text())['model_type'] == 'maskformer'
