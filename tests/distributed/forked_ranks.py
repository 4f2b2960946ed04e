"""Several processes joined by gloo for the price of one import: they are forked."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

SECONDS = 300  # a hang is an error


def run_ranks(work: Callable[[int, int], dict], world: int, folder: Path) -> None:
    """Call ``work(rank, world)`` in each of ``world`` processes, which save what it returns in the folder.

    The calling process must not have run a backward pass yet, which PyTorch does not allow before a fork.

    Raises:
        RuntimeError: A process failed, or they did not end in time.
    """
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        port = found.getsockname()[1]
    running = {_fork(work, rank, world, port, folder) for rank in range(world)}
    deadline = time.monotonic() + SECONDS
    failed = False
    while running and not failed and time.monotonic() < deadline:
        pid, status = os.waitpid(-1, os.WNOHANG)
        running.discard(pid)
        failed = pid != 0 and status != 0
        time.sleep(0 if pid else 0.02)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if failed or running:
        raise RuntimeError(f'{world} processes: {"one failed" if failed else "they hang"}')


def results_of(world: int, folder: Path) -> list[dict]:
    """What the processes returned, by rank."""
    return [torch.load(folder / f'{world}_{rank}.pt', weights_only=False) for rank in range(world)]


def _fork(work: Callable[[int, int], dict], rank: int, world: int, port: int, folder: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.environ.update(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(world),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=str(port),
        )
        torch.distributed.init_process_group('gloo')
        torch.save(work(rank, world), folder / f'{world}_{rank}.pt')
        torch.distributed.barrier()
    except BaseException:
        print(f'rank {rank} of {world}:\n{traceback.format_exc()}', file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
