"""Hostile checkpoints at every entrance: refused in a sentence, and nothing of them has run."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile_files import write_hostile
from mmengine.logging import HistoryBuffer
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader, load_checkpoint
from mmengine.runner import checkpoint as runner_checkpoint
from torch import nn

sys.path.insert(0, str(Path(__file__).parent / 'engine'))
sys.path.insert(0, str(Path(__file__).parent / 'inference'))

from inference_model import config, write_weights
from tiny_model import Tiny, run

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.apis.reproduce import reproduce_loss
from mmmaskformer.checkpoints import convert_checkpoint, read_state_dict, safe_load
from mmmaskformer.checkpoints.reading import load_checked_here
from mmmaskformer.datasets.converters import write_ade20k_full
from mmmaskformer.inference.config_files import registered_parts

FILES = ('evil.pth', 'evil_legacy.pth', 'evil.pkl', 'evil.bin')


@pytest.fixture
def mark(tmp_path):
    """What hostile code would write; the test fails if it did."""
    path = tmp_path / 'code_ran'
    yield path
    assert not path.exists(), 'code of the file ran'


@pytest.fixture(params=FILES)
def evil(request, tmp_path, mark):
    return write_hostile(tmp_path, request.param, mark)


@pytest.fixture
def evil_pth(tmp_path, mark):
    return write_hostile(tmp_path, 'evil.pth', mark)


def test_the_files_are_hostile(tmp_path):
    for name in ('evil.pth', 'evil_legacy.pth'):
        mark = tmp_path / f'{name}.ran'
        torch.load(write_hostile(tmp_path, name, mark), weights_only=False)
        assert mark.exists()


ENTRANCES = dict(
    read=read_state_dict,
    convert=lambda path: convert_checkpoint(path, path.with_name('out.pth')),
    loader=lambda path: CheckpointLoader.load_checkpoint(str(path), 'cpu'),
    init_model=lambda path: load_checkpoint(nn.Linear(1, 1), str(path)),  # of mmseg, mmdet and mmpretrain
    inferencer=lambda path: MaskFormerInferencer(weights=path),
    reproduce=reproduce_loss,
)


@pytest.mark.parametrize('forced', [False, True], ids=['', 'protection of torch.load off'])
@pytest.mark.parametrize('entrance', ENTRANCES)
def test_files(entrance, evil, forced, monkeypatch):
    if forced:
        monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    with pytest.raises(ValueError, match=r'evil.*cannot be read as a checkpoint: ') as caught:
        ENTRANCES[entrance](evil)
    assert 'weights_only' not in str(caught.value)  # no advice to load it all the same


@pytest.mark.parametrize('settings', [dict(resume=True), dict()], ids=['resume', 'load_from'])
def test_the_runner(tmp_path, evil_pth, settings):
    model = Tiny()
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        run(tmp_path / 'work', [1, 2], model=model, load_from=str(evil_pth), **settings)
    assert model.weight.item() == 1


def test_first_weights_of_a_backbone(evil_pth, mark):
    settings = config().model
    settings.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(evil_pth))
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        MODELS.build(dict(settings, _scope_='mmseg')).init_weights()


@pytest.mark.parametrize('name', ['evil.pth', 'evil.pkl'])
def test_urls(tmp_path, mark, name, monkeypatch):
    write_hostile(tmp_path, name, mark)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}/{name}'
    monkeypatch.setattr(runner_checkpoint, 'get_torchvision_models', lambda: {'net': url})
    try:
        for place in (url, 'torchvision://net'):
            with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
                CheckpointLoader.load_checkpoint(place, 'cpu')
    finally:
        server.shutdown()


def test_folders_of_huggingface(tmp_path, mark):
    write_hostile(tmp_path, 'pytorch_model.bin', mark)
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        read_state_dict(tmp_path)
    (tmp_path / 'pytorch_model.bin').rename(tmp_path / 'part.bin')
    index = tmp_path / 'pytorch_model.bin.index.json'
    index.write_text(json.dumps(dict(weight_map=dict(a='part.bin'))))
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        read_state_dict(tmp_path)
    for name in ('../part.bin', '/part.bin'):
        index.write_text(json.dumps(dict(weight_map=dict(a=name))))
        with pytest.raises(ValueError, match='which is not inside'):
            read_state_dict(tmp_path)


def test_index_of_a_data_set(tmp_path, mark):
    write_hostile(tmp_path, 'index_ade20k.pkl', mark)
    with pytest.raises(ValueError, match=r'is not an index of ADE20K .*refers to'):
        write_ade20k_full(tmp_path)


@pytest.mark.parametrize('name', ['evil.pth', 'evil_legacy.pth'])
def test_our_own_list_for_older_releases_of_torch(tmp_path, mark, name):
    with pytest.raises(Exception, match='refers to'):
        load_checked_here(write_hostile(tmp_path, name, mark), 'cpu')
    torch.jit.script(nn.Linear(1, 1)).save(str(tmp_path / 'program.pth'))
    with pytest.raises(Exception, match='TorchScript'):
        load_checked_here(tmp_path / 'program.pth', 'cpu')


@pytest.mark.parametrize('zipped', [True, False])
def test_our_own_list_reads_all_that_a_runner_writes(tmp_path, zipped):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    parameter, tensors = nn.Parameter(torch.rand(2)), {'a': torch.rand(2, 3).half(), 'b': torch.arange(3)}
    gathered = torch.rand(3)
    gathered.of_shards = 2  # FSDP's tensors have attributes of their own
    content = dict(
        state_dict=dict(tensors, c=parameter, view=tensors['a'][1], gathered=gathered),
        param_schedulers=[dict(milestones=Counter({9: 1}))],  # of a MultiStepLR
        message_hub=dict(loss=history, best=np.float64(0.5), counts=np.arange(3)),
        meta=dict(size=torch.Size([1]), dtype=torch.bfloat16, names=('a', 'b'), seed=None),
    )
    torch.save(content, tmp_path / 'mine.pth', _use_new_zipfile_serialization=zipped)
    for load in (safe_load, partial(load_checked_here, map_location='cpu')):
        loaded = load(tmp_path / 'mine.pth')
        torch.testing.assert_close(loaded['state_dict'], content['state_dict'], rtol=0, atol=0)
        assert loaded['message_hub']['loss'].mean() == history.mean()
        assert loaded['message_hub']['counts'].tolist() == [0, 1, 2]
        assert loaded['meta'] == content['meta']
        assert loaded['param_schedulers'] == content['param_schedulers']


def hostile_settings(mark) -> dict:
    return dict(type='builtins.open', file=str(mark), mode='w')


def test_mmengine_calls_whatever_a_type_names(tmp_path):
    """Why `registered_parts` is needed; where this fails, it can go."""
    MODELS.build(hostile_settings(tmp_path / 'ran')).close()
    assert (tmp_path / 'ran').exists()


@pytest.mark.parametrize('place', ['model', 'backbone', 'pipeline', 'dataset'])
@pytest.mark.parametrize('as_text', [True, False])
def test_config_that_a_checkpoint_carries(tmp_path, mark, place, as_text):
    carried = config(test_dataloader=dict(dataset=dict(type='CityscapesDataset', pipeline=[])))
    if place == 'model':
        carried.model = hostile_settings(mark)
    elif place == 'backbone':
        carried.model.backbone.norm_cfg = hostile_settings(mark)
    elif place == 'pipeline':
        carried.test_pipeline.append(hostile_settings(mark))
    else:
        carried.test_dataloader.dataset = hostile_settings(mark)
    cfg = carried.pretty_text if as_text else carried.to_dict()
    weights = write_weights(tmp_path / 'w.pth', cfg=cfg)
    with pytest.raises(ValueError, match=r"w\.pth has the type 'builtins\.open' in .*, which is not reg"):
        MaskFormerInferencer(weights=weights)


def test_what_is_not_needed_of_a_carried_config_is_left_out(mark):
    carried = config(
        custom_imports=dict(imports=['antigravity']), train_dataloader=dict(dataset=hostile_settings(mark))
    )
    carried.default_scope = 'antigravity'
    kept = registered_parts(carried, 'w.pth')
    assert set(kept) == {'model', 'test_pipeline'}
    assert kept.model == carried.model
