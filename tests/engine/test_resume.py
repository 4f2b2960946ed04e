"""Runs that are killed, or told to stop, go on and end as they would have: bit by bit."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from resume_runs import (
    BEST_BY,
    assert_same,
    end,
    signal_at,
    start,
    state,
    tiny_config,
    train,
    train_ranks,
    wait_for,
    write_data,
)

from mmmaskformer.engine.checkpoint_files import newest_whole_checkpoint

SEED = 3
AT_ITERATION = partial(signal_at, 'set_seeds', module='mmmaskformer.engine.exact_resume_hook')
SYSTEMS = ['maskformer', *(pytest.param(name, marks=pytest.mark.soak) for name in ('detr', 'max_deeplab'))]


@pytest.fixture(scope='module', params=SYSTEMS)
def system(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp('resume') / 'toy')


@pytest.fixture(scope='module')
def uninterrupted(data, system, tmp_path_factory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp('uninterrupted')
    assert train(tiny_config(data, folder, seed=SEED, system=system)) == 0
    assert len(list(folder.glob(f'best_{BEST_BY[system]}_iter_*.pth'))) == 1
    return state(folder)


def test_kill_after_a_checkpoint_is_written(data, system, tmp_path, uninterrupted):
    """Its validation is made up for; ``last_checkpoint`` names another file, and a newer one is torn."""
    cfg = tiny_config(data, tmp_path, seed=SEED, system=system)
    eighth = partial(signal_at, 'fsync', 8, 'os')  # two each: iter_4, the best, iter_4 with its score, iter_8
    assert train(cfg, prepare=eighth) == -signal.SIGKILL
    whole = (tmp_path / 'iter_8.pth').read_bytes()
    (tmp_path / 'iter_11.pth').write_bytes(whole[:-5000])
    (tmp_path / '.iter_11.pth.part').write_bytes(whole[:5000])
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_11.pth'))

    cfg.train_dataloader.update(num_workers=2, persistent_workers=True)
    assert train(cfg) == 0
    assert_same(state(tmp_path), uninterrupted)
    output = (tmp_path / 'output.txt').read_text()
    assert f'{tmp_path}/iter_11.pth is incomplete or damaged' in output
    assert 'resumed epoch: 0, iter: 8' in output
    assert not list(tmp_path.glob('.*'))


@pytest.mark.parametrize('other', ['detr', 'max_deeplab'])
def test_other_systems_go_on_after_a_kill(data, other, tmp_path):
    """From the checkpoint of the fourth iteration, which the best one and the averaged weights belong to."""
    whole, cut = (
        tiny_config(data, tmp_path / name, iterations=6, seed=SEED, system=other) for name in ('whole', 'cut')
    )
    assert train(whole) == 0
    assert train(cut, prepare=partial(AT_ITERATION, 6)) == -signal.SIGKILL
    assert newest_whole_checkpoint(tmp_path / 'cut') == str(tmp_path / 'cut/iter_4.pth')
    assert train(cut) == 0
    assert_same(state(tmp_path / 'cut', 6), state(tmp_path / 'whole', 6))


def test_stop_and_go_on(data, system, tmp_path, uninterrupted):
    """The signal goes to the workers too; the resumed run learns the seed from the checkpoint."""
    cfg = tiny_config(data, tmp_path, seed=SEED, system=system)
    cfg.train_dataloader.update(num_workers=1)
    process = start(cfg, prepare=partial(AT_ITERATION, 6, number=signal.SIGSTOP))
    wait_for(lambda: 'T' in Path(f'/proc/{process.pid}/stat').read_text().split()[2])
    os.killpg(process.pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGCONT)
    assert end(process) == 128 + signal.SIGTERM
    assert torch.load(tmp_path / 'interrupted.pth', weights_only=False)['meta']['iter'] == 6
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'interrupted.pth')
    assert 'SIGTERM: training stops after iteration 6' in (tmp_path / 'output.txt').read_text()

    assert train(tiny_config(data, tmp_path, system=system)) == 0
    assert_same(state(tmp_path), uninterrupted)
    assert not (tmp_path / 'interrupted.pth').exists()


def test_one_of_two_processes_is_told_to_stop(data, system, tmp_path):
    """Both stop after the same iteration."""
    whole = tiny_config(data, tmp_path / 'whole', iterations=6, seed=SEED, system=system)
    assert train_ranks(whole) == [0, 0]
    cut = tiny_config(data, tmp_path / 'cut', iterations=6, seed=SEED, system=system)
    stop = partial(AT_ITERATION, 3, number=signal.SIGTERM)
    assert train_ranks(cut, prepare=stop) == [128 + signal.SIGTERM] * 2
    assert newest_whole_checkpoint(tmp_path / 'cut') == str(tmp_path / 'cut/interrupted.pth')
    assert train_ranks(cut) == [0, 0]
    assert_same(state(tmp_path / 'cut', 6), state(tmp_path / 'whole', 6))
