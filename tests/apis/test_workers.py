"""The workers of data loaders end with the run that started them."""

from __future__ import annotations

import multiprocessing
import time
from types import SimpleNamespace

import pytest
from mmengine.runner import BaseLoop
from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch.utils.data import DataLoader

from mmmaskformer.apis.workers import stop_workers


class Loop(BaseLoop):
    def run(self) -> None:
        """Nothing."""


@pytest.mark.parametrize('persistent', [True, False])
def test_workers_end_at_once_and_of_themselves(persistent):
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
