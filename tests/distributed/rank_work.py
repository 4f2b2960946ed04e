"""What the processes do: run as a script, with the folder for their results."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from forked_ranks import run_ranks
from joint_batches import CASES, HEADS, build, learn, parameters, share
from mmengine.model import MMDistributedDataParallel, MMFullyShardedDataParallel
from mmengine.optim import OptimWrapper
from shared_metrics import metrics_of_shares
from small_training import SHARDS_ON_CPU, train, train_sharded, training_config, write_splits
from torch.distributed.fsdp import FullyShardedDataParallel

from mmmaskformer.apis import train_model

STEPS = 3


def work(rank: int, world: int) -> dict:
    """All that the tests compare with one process."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    os.chdir(folder)  # where MMEngine puts what it collects
    results = dict(
        learned={
            (head, case): learn_twice(head, case, rank, world)
            for head in HEADS
            for case in (CASES if head in ('maskformer', 'equal_weights') else ('as_many', 'one_has_none'))
        },
        metrics=metrics_of_shares(rank, world),
    )
    if world == 4:
        train_model(training_config(folder, folder / 'four', world))
    if world == 2:
        results.update(
            accumulated={case: accumulate(case, rank) for case in ('as_many', 'uneven')},
            steps={'copies': take_steps(MMDistributedDataParallel, rank)},
            sync_bn=train(folder, folder / 'sync_bn', world, norm='SyncBN'),
        )
        if SHARDS_ON_CPU:
            results['steps']['sharded'] = take_steps(MMFullyShardedDataParallel, rank)
            results['sharded'] = train_sharded(folder, folder / 'sharded', world)
            results['resumed'] = train_sharded(folder, folder / 'resumed', world, resume=True)
    return results


def learn_twice(head: str, case: str, rank: int, world: int) -> dict:
    """DDP notices at the second step that a parameter had no part in the first."""
    model = MMDistributedDataParallel(build(head))
    batch = share(case, rank, world)
    learn(model, batch)
    losses, gradient = learn(model, batch)
    return dict(losses=losses, gradient=gradient)


def accumulate(case: str, rank: int) -> torch.Tensor:
    """What two steps with one image each, accumulated, change: the gradient, at a learning rate of one."""
    model = MMDistributedDataParallel(build('equal_weights'))
    before = parameters(model)
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts=2)
    optim_wrapper.initialize_count_status(model, 0, 2)
    for step in range(2):
        model.train_step(share(case, 2 * step + rank, 4), optim_wrapper)
        assert torch.equal(parameters(model), before) == (step == 0)
    return before - parameters(model)


def take_steps(kind: type, rank: int) -> dict:
    """Losses of some steps, the process's part of the parameters, and all of them at the end."""
    options = dict(device_id='cpu') if kind is MMFullyShardedDataParallel else {}
    model = kind(build('maskformer'), **options)
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9))
    losses = [model.train_step(share('uneven', rank, 2), optim_wrapper)['loss'].item() for _ in range(STEPS)]
    size = parameters(model).numel()
    if kind is MMFullyShardedDataParallel:
        with FullyShardedDataParallel.summon_full_params(model, writeback=False):
            return dict(losses=losses, size=size, parameters=parameters(model))
    return dict(losses=losses, size=size, parameters=parameters(model))


if __name__ == '__main__':
    write_splits(Path(sys.argv[1]))
    for world in (2, 4):
        run_ranks(work, world, Path(sys.argv[1]))
