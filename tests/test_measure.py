"""The benchmarks measure the device that they are given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from machine_of_gpus import MachineOfGpus

sys.path.insert(0, str(Path(__file__).parents[1] / 'benchmarks'))

from measure import paired_seconds, peak_memory


@pytest.mark.parametrize('name', ['cuda:0', 'cuda:1'])
def test_gpu_is_measured_where_the_task_runs(name, monkeypatch):
    gpus = MachineOfGpus(monkeypatch)
    device = torch.device(name)
    assert peak_memory(lambda: gpus.use(name, 40), device) == 40
    tasks = dict(quick=lambda: gpus.launch(name, 0.01), slow=lambda: gpus.launch(name, 0.04))
    found = paired_seconds(tasks, 3, device)
    assert found['slow']['seconds'] >= 0.04
    assert found['slow']['ratio'] == pytest.approx(0.25, rel=0.3)


def test_cpu_is_measured_on_a_machine_with_gpus(monkeypatch):
    gpus = MachineOfGpus(monkeypatch)
    assert 155 < peak_memory(lambda: torch.ones(40 * 2**20).sum(), torch.device('cpu')) < 200
    paired_seconds(dict(task=lambda: None), 3, torch.device('cpu'))
    assert not gpus.num_waits
