"""The random state that a record keeps is that of the GPU in use, and is given back to the one asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / 'models'))

from small_models import images, model_config

from mmmaskformer.apis.reproduce import reproduce_loss
from mmmaskformer.checkpoints import build_model
from mmmaskformer.engine import FiniteLossHook
from mmmaskformer.engine.step_snapshot import write_snapshot

STATE = torch.arange(16, dtype=torch.uint8)


@pytest.fixture
def record(tmp_path) -> Path:
    settings = dict(model=model_config(), default_scope='mmseg')
    model = build_model(Config(settings)).train()
    data = model.data_preprocessor(images((64, 96)), True)
    content = dict(
        iteration=1,
        data=data,
        state_dict=model.state_dict(),
        random_state=torch.get_rng_state(),
        random_state_cuda=STATE,
        terms={name: [value.item()] for name, value in model(**data, mode='loss').items()},
        autocast=None,
        config=Config(settings).pretty_text,
    )
    write_snapshot(tmp_path / 'record.pth', content)
    return tmp_path / 'record.pth'


@pytest.fixture
def two_gpus(monkeypatch) -> dict[torch.device, torch.Tensor]:
    """The states that were set, by device; models stay where they are."""
    states: dict[torch.device, torch.Tensor] = {}

    def set_state(state: torch.Tensor, device: str | torch.device = 'cuda') -> None:
        states[torch.device(device)] = state

    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_rng_state', set_state)
    move = BaseModel.to
    monkeypatch.setattr(BaseModel, 'to', lambda self, *_, **kwargs: move(self, **kwargs) if kwargs else self)
    return states


@pytest.mark.parametrize('device', ['cuda', 'cuda:1', torch.device('cuda:1')])
def test_state_is_set_on_the_device_of_the_reproduction(record, two_gpus, device):
    reproduce_loss(record, device=device)
    ((used, state),) = two_gpus.items()
    assert used == torch.device(device)
    assert torch.equal(state, STATE)


def test_cpu_leaves_the_gpus_alone(record, two_gpus):
    found = reproduce_loss(record, device='cpu')
    assert found.now == found.then
    assert not two_gpus


def test_device_that_is_not_there_is_refused(record):
    with pytest.raises(ValueError, match="device='cuda:7', but PyTorch finds"):
        reproduce_loss(record, device='cuda:7')


def test_hook_keeps_the_state_of_the_device_of_the_model(monkeypatch):
    """The current device may be another one."""
    asked = []
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_rng_state', lambda device='cuda': asked.append(device) or STATE)
    model, hook = nn.Linear(2, 2), FiniteLossHook()
    hook._statistics = []
    on_gpu = type('OnGpu', (), {'device': torch.device('cuda:1')})
    monkeypatch.setattr(model, 'parameters', lambda: iter([on_gpu]))
    hook._save_state(model, (), dict(mode='loss'))
    assert asked == [torch.device('cuda:1')]
    assert hook._before['random_state_cuda'] is STATE
