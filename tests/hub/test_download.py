"""Downloads from the hub: the cache, offline, and whatever a server or a network can answer."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest
import torch
from hostile_files import write_hostile
from hub_server import SHA, Hub

from mmmaskformer.checkpoints import read_state_dict
from mmmaskformer.checkpoints.hub import HubAddress, download, model_on_hub, parse_address

safetensors = pytest.importorskip('safetensors.torch')

REPO, ADDRESS = 'org/name', 'hf://org/name'
WEIGHT = torch.arange(2000.0)
WEIGHTS = safetensors.save({'weight': WEIGHT})
MODEL = {'config.json': b'{"model_type": "maskformer"}', 'model.safetensors': WEIGHTS, 'notes.txt': b'x'}


@pytest.fixture
def model(hub) -> Hub:
    """The hub with a model."""
    hub.files[REPO] = dict(MODEL)
    return hub


def refused(address: str = ADDRESS, **options) -> str:
    with pytest.raises(ValueError, match=r'.') as raised:
        download(address, **options)
    message = str(raised.value)
    assert '\n' not in message
    return message


@pytest.mark.parametrize(
    ('text', 'address'),
    [
        ('hf://a/b', HubAddress('a/b')),
        ('hf://a/b/', HubAddress('a/b')),
        ('hf://a-1/b.c@v1.0', HubAddress('a-1/b.c', 'v1.0')),
        ('hf://a/b@refs/pr/3', HubAddress('a/b', 'refs/pr/3')),
        ('hf://a/b@refs/pr/3/x.bin', HubAddress('a/b', 'refs/pr/3', 'x.bin')),
        ('hf://a/b/sub/x.safetensors', HubAddress('a/b', None, 'sub/x.safetensors')),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address
    assert str(address) == text.rstrip('/')


@pytest.mark.parametrize(
    'text', ['hf://a', 'hf:///b', 'hf://a/b@', 'hf://a b/c', 'http://a/b', 'hf://a/b@x@y']
)
def test_what_is_not_an_address(text):
    with pytest.raises(ValueError, match='is not the address of a model: expected hf://ORG/NAME'):
        parse_address(text)


def test_names_with_a_revision():
    assert model_on_hub('a/b', 'v1') == model_on_hub('hf://a/b', 'v1') == HubAddress('a/b', 'v1')


def test_a_model_is_downloaded_once(model):
    folder = download(ADDRESS)
    assert sorted(path.name for path in folder.iterdir()) == ['config.json', 'model.safetensors']
    assert torch.equal(read_state_dict(ADDRESS)['weight'], WEIGHT)
    resolved = [request for request in model.requests if request.startswith('GET') and '/resolve/' in request]
    assert len(resolved) == 2
    assert 'Bearer token-of-the-test' in model.tokens


def test_revisions(model):
    model.revisions['v1'] = 'f' * 40
    assert download(f'{ADDRESS}@v1').name == 'f' * 40
    assert download(ADDRESS).name == SHA
    assert "has no revision 'v2': give a branch, a tag or a commit" in refused(f'{ADDRESS}@v2')


def test_offline(model, monkeypatch):
    library = sys.modules['huggingface_hub']
    first = download(ADDRESS)
    number = len(model.requests)
    assert download(ADDRESS, local_files_only=True) == first
    monkeypatch.setattr(library.constants, 'HF_HUB_OFFLINE', True)
    assert download(ADDRESS) == first
    assert len(model.requests) == number
    assert 'not complete in the cache, and HF_HUB_OFFLINE forbids' in refused('hf://org/other')
    assert 'and local_files_only forbids' in refused('hf://org/other', local_files_only=True)


REFUSALS = [
    ((401, ''), r'answered with status 401; log in with `hf auth login`, or set HF_TOKEN'),
    ((401, 'RepoNotFound'), 'There is no model org/name at http://127.0.0.1'),
    ((403, 'GatedRepo'), 'is gated: accept its terms at http://127.0.0.1'),
    ((403, ''), 'answered with status 403; log in with'),
    ((404, 'RepoNotFound'), 'There is no model org/name'),
    ((404, ''), 'answered with status 404'),
    ((500, ''), 'answered with status 500; try again later'),
]


@pytest.mark.parametrize(('refusal', 'sentence'), REFUSALS)
def test_refusals_are_sentences(model, refusal, sentence):
    model.refusal = refusal
    assert sentence in refused()
    model.refusal = None
    assert torch.equal(read_state_dict(download(ADDRESS))['weight'], WEIGHT)


DAMAGES = [
    (dict(announced={'model.safetensors': len(WEIGHTS) + 9}), 'the download broke off, and was removed'),
    (dict(cut={'model.safetensors'}), 'cannot be downloaded'),
    (dict(swapped={'model.safetensors': b'?' * len(WEIGHTS)}), 'is not what the hub announced'),
    (
        dict(swapped={'config.json': MODEL['config.json'].upper()}),
        'config.json is not what the hub announced',
    ),
    (dict(pages={'model.safetensors'}), 'does not answer as the hub does'),
    (dict(pages={'config.json'}), 'does not answer as the hub does'),
    (dict(broken=True), 'does not answer as the hub does'),
]


@pytest.mark.parametrize(('damage', 'sentence'), DAMAGES)
def test_damaged_answers_are_refused_and_leave_nothing(model, monkeypatch, damage, sentence):
    monkeypatch.setattr(time, 'sleep', lambda _: None)  # between the library's attempts
    vars(model).update(damage)
    assert sentence in refused()
    cached = [Path(folder, name) for folder, _, names in os.walk(_cache()) for name in names]
    assert not [path for path in cached if path.name.endswith('.incomplete')]
    model.__init__(files=model.files)
    folder = download(ADDRESS)
    assert {name: (folder / name).read_bytes() for name in MODEL if name != 'notes.txt'} == {
        name: content for name, content in MODEL.items() if name != 'notes.txt'
    }


def _cache() -> str:
    return sys.modules['huggingface_hub'].constants.HF_HUB_CACHE


def test_a_file_that_was_damaged_in_the_cache_is_replaced(model):
    path = download(ADDRESS) / 'model.safetensors'
    path.resolve().write_bytes(WEIGHTS[:-1])
    assert 'is not what the hub announced' in refused()
    assert torch.equal(read_state_dict(download(ADDRESS))['weight'], WEIGHT)


def test_a_proxy_in_front_of_nothing(hub, monkeypatch):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        endpoint = f'http://127.0.0.1:{free.getsockname()[1]}'
    library = sys.modules['huggingface_hub']
    monkeypatch.setattr(library.constants, 'ENDPOINT', endpoint)
    assert f'is not in the cache, and {endpoint} cannot be reached: ConnectError' in refused()


def test_pickles_alone_are_refused_unless_named(hub, tmp_path):
    torch.save({'weight': WEIGHT}, tmp_path / 'weights.bin')
    hub.files[REPO] = {'config.json': b'{}', 'pytorch_model.bin': (tmp_path / 'weights.bin').read_bytes()}
    named = f'{ADDRESS}/pytorch_model.bin'
    message = refused()
    assert 'pickles alone (pytorch_model.bin), which can hold code' in message
    assert f'or name the file, {named}, which is then read by an allow-list' in message
    assert not [request for request in hub.requests if request.endswith('.bin')]
    assert torch.equal(read_state_dict(named)['weight'], WEIGHT)


def test_a_named_pickle_runs_no_code(hub, tmp_path):
    mark = tmp_path / 'mark'
    hub.files[REPO] = {'weights.pth': write_hostile(tmp_path, 'weights.pth', mark).read_bytes()}
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        read_state_dict(f'{ADDRESS}/weights.pth')
    assert not mark.exists()


def test_a_repository_of_something_else(hub):
    hub.files[REPO] = {'config.json': b'{}', 'data.csv': b''}
    assert (
        refused()
        == f'{ADDRESS} has no model.safetensors, so it cannot be loaded; it holds config.json, data.csv.'
    )


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    assert "pip install 'mmmaskformer[hub]'" in refused()
