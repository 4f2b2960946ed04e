"""What two processes do about a loss that is not finite in one of them: run by `test_finite_loss_ranks`."""

from __future__ import annotations

import sys
from pathlib import Path

from forked_ranks import run_ranks
from tiny_model import run

from mmmaskformer.engine import FiniteLossHook, NonFiniteLossError

NAN = float('nan')
# The sampler deals them out in turn: the first process has the numbers at even places.
CASES = dict(stop=[1, 2, 3, 4, 5, 6, 7, NAN], skip=[1, 2, 3, 4, 5, NAN, 7, 8, 9, 10, 11, 12])
CASES['without'] = CASES['skip'][:4] + CASES['skip'][8:]
WRAPPER = dict(type='mmmaskformer.CPUDistributedDataParallel', device_ids=None, broadcast_buffers=False)
ACCUMULATING = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), accumulative_counts=2)


def work(rank: int, world: int) -> dict:
    found = {}
    for name, numbers in CASES.items():
        hook = FiniteLossHook(max_skips=int(name == 'skip'))
        try:
            found[name] = train(name, numbers, hook)
        except NonFiniteLossError as error:
            found[name] = str(error)
    numbers = [1, 2, 3, 4, 5, NAN, 7, 8]
    found['accumulated'] = train('accumulated', numbers, FiniteLossHook(max_skips=1), ACCUMULATING)
    return found


def train(name: str, numbers: list, hook: FiniteLossHook, wrapper: dict | None = None) -> list:
    settings = dict(optim_wrapper=wrapper) if wrapper else {}
    runner = run(
        FOLDER / name,
        numbers,
        hook,
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=WRAPPER),
        **settings,
    )
    return [runner.model.module.weight.item(), hook.num_skipped]


if __name__ == '__main__':
    FOLDER = Path(sys.argv[1])
    run_ranks(work, 2, FOLDER)
