"""Processes that train one small model together on GPUs or on the CPU."""

from __future__ import annotations

import multiprocessing
import os
import socket
from functools import partial
from pathlib import Path

import torch
from joint_batches import build, learn, share
from mmengine.model import MMDistributedDataParallel

SECONDS = 300  # a hang is an error


def learn_together(world: int, backend: str, device: str, folder: Path) -> list[dict]:
    """Losses and gradient of each process, after one step with its share of the images.

    Process r uses GPU ``r`` modulo their number. Processes are spawned: CUDA does not survive a fork.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context('spawn')
    work = partial(_work, world=world, backend=backend, device=device, port=port, folder=folder)
    processes = [context.Process(target=work, args=(rank,)) for rank in range(world)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
    assert [process.exitcode for process in processes] == [0] * world
    return [torch.load(folder / f'{rank}.pt') for rank in range(world)]


def _work(rank: int, world: int, backend: str, device: str, port: int, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(world))
    place = (
        torch.device(device, rank % torch.cuda.device_count()) if device == 'cuda' else torch.device('cpu')
    )
    if device == 'cuda':
        torch.cuda.set_device(place)
        torch.backends.cudnn.allow_tf32 = False
    torch.distributed.init_process_group(backend)

    model = MMDistributedDataParallel(
        build('equal_weights').to(place), device_ids=[place] if device == 'cuda' else None
    )
    losses, gradient = learn(model, share('as_many', rank, world))
    torch.save(dict(losses=losses, gradient=gradient.cpu()), folder / f'{rank}.pt')
    torch.distributed.destroy_process_group()
