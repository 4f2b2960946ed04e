"""A run that is killed again and again ends, bit by bit, as one that was not.

``CRASH_KILLS`` is the number of kills (20).
"""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from resume_runs import assert_same, end, signal_at, start, state, tiny_config, train, wait_for, write_data

KILLS = int(os.environ.get('CRASH_KILLS', 20))
SEED = 11
ITERATIONS = 12 * KILLS
AT_ITERATION = partial(signal_at, 'set_seeds', module='mmmaskformer.engine.exact_resume_hook')
pytestmark = pytest.mark.soak


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp('crash') / 'toy')


def iteration_reached(folder: Path) -> int:
    """By the file of scalars of the newest start."""
    lines = [
        line for file in folder.glob('*/vis_data/scalars.json') for line in file.open() if '"loss"' in line
    ]
    return len(lines)


def kill_at_random(cfg, generator: random.Random, during_write: bool) -> bool:
    """Kill a run while it writes, or some time after its first step; whether a file was half written."""
    folder = Path(cfg.work_dir)
    process = start(cfg)
    before = iteration_reached(folder)
    wait_for(lambda: iteration_reached(folder) > before or not process.is_alive())
    if during_write:
        wait_for(lambda: list(folder.glob('.*.part')) or not process.is_alive())
    else:
        time.sleep(generator.uniform(0, 0.8))
    process.kill()
    assert end(process) == -signal.SIGKILL, 'it was done before: give it more iterations'
    return bool(list(folder.glob('.*.part')))


def test_killed_again_and_again(data, tmp_path, record_figures):
    generator = random.Random(0)
    configs = [tiny_config(data, tmp_path / name, ITERATIONS, SEED) for name in ('whole', 'cut')]
    for cfg in configs:
        cfg.default_hooks.logger.interval = 1
    began = time.monotonic()
    assert train(configs[0]) == 0
    seconds = time.monotonic() - began
    half_written = 0
    for kill in range(KILLS):
        configs[1].train_dataloader.update(num_workers=kill % 2, persistent_workers=bool(kill % 2))
        half_written += kill_at_random(configs[1], generator, during_write=kill % 3 == 0)
    output = (tmp_path / 'cut/output.txt').read_text()
    assert train(configs[1]) == 0
    values = state(tmp_path / 'cut', ITERATIONS)
    assert_same(values, state(tmp_path / 'whole', ITERATIONS))
    best = [sorted(path.name for path in (tmp_path / name).glob('best*')) for name in ('whole', 'cut')]
    assert best[0] == best[1]
    assert not list((tmp_path / 'cut').glob('.*'))
    record_figures(
        'crash',
        dict(
            kills=KILLS,
            of_them_in_the_middle_of_writing=half_written,
            iterations=ITERATIONS,
            resumed_from=[
                int(line.split('iter: ')[1]) for line in output.splitlines() if 'resumed epoch' in line
            ],
            values_compared=len(values),
            seconds_of_the_whole_run=round(seconds, 1),
        ),
    )


@pytest.mark.parametrize('stop', [signal.SIGKILL, signal.SIGTERM])
def test_training_by_epochs_with_accumulated_gradients(data, tmp_path, stop):
    """Seven samples are four iterations; two of them make a step of the optimiser."""
    folders = [tmp_path / 'whole', tmp_path / 'cut']
    for folder in folders:
        cfg = tiny_config(data, folder, 20, SEED)
        cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5, val_interval=2)
        cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
        cfg.default_hooks.checkpoint.update(by_epoch=True, interval=1)
        cfg.optim_wrapper.accumulative_counts = 2
        if folder.name == 'cut':  # in the third epoch: SIGTERM waits for the gradients of two iterations
            asked = partial(AT_ITERATION, 11, number=stop)
            assert train(cfg, prepare=asked) == (-stop if stop == signal.SIGKILL else 128 + stop)
            assert (folder / 'interrupted.pth').exists() == (stop == signal.SIGTERM)
        assert train(cfg) == 0
    whole, cut = (state(folder, 5, 'epoch') for folder in folders)
    assert_same(whole, cut)
