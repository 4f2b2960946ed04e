"""The worker processes of data loaders, once a runner is done."""

from __future__ import annotations

from typing import Any

from mmengine.runner import BaseLoop


def stop_workers(runner: Any) -> None:
    """End the workers of a runner's loaders now; it can still test, but its training cannot go on.

    They would live as long as the runner, and when the garbage collector finds it, torch waits five seconds
    for each of them, and leaves zombies: by then the queue that tells them to end is gone.

    Args:
        runner: A runner of MMEngine.
    """
    for name in ('_train_loop', '_val_loop', '_test_loop'):
        loop = getattr(runner, name, None)
        if not isinstance(loop, BaseLoop):  # not built yet
            continue
        if hasattr(loop, 'dataloader_iterator'):
            loop.dataloader_iterator = None
        loop.dataloader._iterator = None
