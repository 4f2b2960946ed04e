"""Runners have the hooks of the package, and their worker processes end with them."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.runner import BaseLoop
from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch.utils.data import DataLoader

from mmmaskformer.apis.runner import PACKAGE_HOOKS, add_package_hooks, name_visualizer, stop_workers

RUNTIME = Path(__file__).parents[2] / 'configs/_base_/default_runtime.py'


def names(cfg):
    return [hook['type'] if isinstance(hook, dict) else hook for hook in cfg.custom_hooks]


def test_default_runtime_has_all_hooks():
    cfg = Config.fromfile(RUNTIME)
    assert names(cfg) == [f'mmmaskformer.{name}' for name in PACKAGE_HOOKS]
    before = cfg.pretty_text
    add_package_hooks(cfg)
    assert cfg.pretty_text == before


def test_custom_hooks_of_a_config_are_completed(tmp_path):
    path = tmp_path / 'cfg.py'
    path.write_text(
        f"_base_ = {str(RUNTIME)!r}\nleft_out_hooks = ['FiniteLossHook', 'mmmaskformer.ShareBuffersHook']\n"
        "custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU'),\n"
        "                dict(type='mmmaskformer.DataReportHook', seconds=0)]\n"
    )
    cfg = Config.fromfile(path)
    add_package_hooks(cfg)
    added = ('CheckDatasetHook', 'ResumeByConfigHook', 'ExactResumeHook')
    assert names(cfg) == [
        'EarlyStoppingHook',
        'mmmaskformer.DataReportHook',
        *(f'mmmaskformer.{name}' for name in added),
    ]
    assert cfg.custom_hooks[1].seconds == 0


@pytest.mark.parametrize('hooks', [None, [], [EMAHook()], [dict(type=EMAHook)]])
def test_missing_custom_hooks_and_built_hooks(hooks):
    cfg = Config(dict(custom_hooks=hooks))
    add_package_hooks(cfg)
    assert names(cfg)[-6:] == [f'mmmaskformer.{name}' for name in PACKAGE_HOOKS]
    assert len(cfg.custom_hooks) == len(hooks or []) + 6


def test_unknown_name_in_left_out_hooks():
    with pytest.raises(ValueError, match=r"Unknown name 'DataReport' in left_out_hooks; expected one of \["):
        add_package_hooks(Config(dict(left_out_hooks=['DataReport'])))


class Loop(BaseLoop):
    def run(self) -> None:
        """Nothing."""


def test_runs_of_one_process_have_visualizers_of_their_own():
    def name(work_dir):
        cfg = Config(dict(work_dir=work_dir, visualizer=dict(type='SegLocalVisualizer', name='visualizer')))
        name_visualizer(cfg)
        return cfg.visualizer.name

    assert len({name('one'), name('one'), name('other')}) == 3
    cfg = Config(dict(work_dir='one'))
    name_visualizer(cfg)
    assert 'visualizer' not in cfg


@pytest.mark.parametrize('persistent', [True, False])
def test_workers_exit_at_once_without_a_signal(persistent):
    runner = SimpleNamespace(_val_loop=dict(type='ValLoop'))  # one that is not built, one that is missing
    loop = Loop(runner, DataLoader(range(100), num_workers=2, persistent_workers=persistent))
    loop.dataloader_iterator = _InfiniteDataloaderIterator(loop.dataloader)
    runner._train_loop = loop  # they hold each other: only the garbage collector would find them
    next(loop.dataloader_iterator)
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    begin = time.monotonic()
    stop_workers(runner)
    assert not multiprocessing.active_children()
    assert [worker.exitcode for worker in workers] == [0, 0]  # not killed
    assert time.monotonic() - begin < 5  # what torch waits for one worker that does not end
    assert len(list(loop.dataloader)) == 100  # the loader itself can be used again
    stop_workers(runner)
