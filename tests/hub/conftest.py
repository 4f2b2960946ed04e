"""A hub of the tests: a server, a cache of its own, no network."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'inference'))

from hub_server import Hub, serve


@pytest.fixture(scope='session')
def endpoint_and_hub() -> Iterator[tuple[str, Hub]]:
    hub = Hub()
    with serve(hub) as endpoint:
        yield endpoint, hub


@pytest.fixture
def hub(endpoint_and_hub, tmp_path, monkeypatch) -> Hub:
    """The hub, with nothing in it, for huggingface_hub of this process."""
    library = pytest.importorskip('huggingface_hub')
    for module in ('constants', 'errors', 'file_download', 'hf_api'):
        importlib.import_module(f'huggingface_hub.{module}')
    endpoint, hub = endpoint_and_hub
    hub.__init__()
    constants = library.constants
    for name in ('ENDPOINT', 'HUGGINGFACE_CO_URL_HOME'):
        monkeypatch.setattr(constants, name, endpoint, raising=False)
    template = endpoint + '/{repo_id}/resolve/{revision}/{filename}'
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    monkeypatch.setattr(library.file_download, 'HUGGINGFACE_CO_URL_TEMPLATE', template, raising=False)
    monkeypatch.setattr(library.hf_api.api, 'endpoint', endpoint)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    monkeypatch.setattr(constants, 'HF_HUB_DISABLE_XET', True, raising=False)
    monkeypatch.setattr(constants, 'HF_HUB_DISABLE_PROGRESS_BARS', True)
    monkeypatch.setenv('HF_TOKEN', 'token-of-the-test')
    return hub
