#!/usr/bin/env python
"""Losses, gradients, predictions and CPU seconds of two versions of the package, on a CPU.

    python benchmarks/compare_trees.py                               # 65bb31a against this checkout
    python benchmarks/compare_trees.py --before main --after my-branch --cases maskformer_r18_semantic

A version is a folder with a checkout, or a Git revision, which is checked out for the time of the comparison.
Each version runs in a process of its own. Every seed builds a model, and takes one training step and one
prediction with it; steps of the two processes alternate where they are timed. The exit status is 1 where
anything is not bit-identical.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from compare_trees_worker import CASES

BASELINE = '65bb31a'
ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).with_name('compare_trees_worker.py')
DEFAULT_THREADS = '1'


class Worker:
    """A process in which one version of the package runs."""

    def __init__(self, tree: Path):
        threads = os.environ.get('OMP_NUM_THREADS', DEFAULT_THREADS)
        env = {**os.environ, 'PYTHONPATH': str(tree), 'OMP_NUM_THREADS': threads}
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), str(tree)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=tree,
        )

    def ask(self, **task: object) -> object:
        self.send(**task)
        return self.answer()

    def send(self, **task: object) -> None:
        self.process.stdin.write(json.dumps(task) + '\n')
        self.process.stdin.flush()

    def answer(self) -> object:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f'the process of {self.process.args[-1]} ended: see the traceback above')
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def checkout(version: str) -> Iterator[Path]:
    """The folder of a version: the folder itself, or a temporary worktree of a revision."""
    if Path(version).is_dir():
        yield Path(version).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, 'tree')
        subprocess.run(
            ['git', '-C', str(ROOT), 'worktree', 'add', '--detach', str(tree), version],
            check=True,
            capture_output=True,
        )
        try:
            yield tree
        finally:
            subprocess.run(['git', '-C', str(ROOT), 'worktree', 'remove', '--force', str(tree)], check=True)


def compare_values(case: str, seeds: int, workers: list[Worker]) -> list[str]:
    """One sentence for each seed and kind of value (loss, gradient, prediction) that is not bit-identical."""
    found = []
    for seed in range(seeds):
        for worker in workers:
            worker.send(do='values', case=case, seed=seed)
        before, after = (worker.answer() for worker in workers)
        if before != after:
            found += [f'seed {seed}: {line}' for line in differences(case, seed, workers)]
    return found


def differences(case: str, seed: int, workers: list[Worker]) -> list[str]:
    """The largest difference of each kind of value, relative to the largest magnitude of its tensor."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f'{i}.pth')) for i in range(len(workers))]
        for worker, path in zip(workers, paths):
            worker.ask(do='save', case=case, seed=seed, path=path)
        before, after = (torch.load(path, weights_only=True) for path in paths)
    lines = [f'{name} is in one version alone' for name in sorted(before.keys() ^ after.keys())]
    largest: dict[str, tuple[float, str]] = {}
    for name in before.keys() & after.keys():
        one, other = before[name].double(), after[name].double()
        if one.shape != other.shape:
            lines.append(f'{name} has shape {tuple(one.shape)} and {tuple(other.shape)}')
        elif not torch.equal(one, other):
            size = (one - other).abs().max().item() / max(one.abs().max().item(), 1e-30)
            kind = name.split()[0]
            largest[kind] = max(largest.get(kind, (0.0, '')), (size, name))
    return lines + [f'{name} differs by {size:.1e} of its largest value' for size, name in largest.values()]


def compare_times(case: str, work: str, rounds: int, workers: list[Worker]) -> str:
    """Median CPU seconds of both versions, and the median ratio after / before of the pairs."""
    for worker in workers:
        worker.ask(do='time', case=case, work=work)  # the first step is slow
    pairs = []
    for i in range(rounds):
        order = workers if i % 2 else workers[::-1]
        seconds = {id(worker): float(worker.ask(do='time', case=case, work=work)) for worker in order}
        pairs.append([seconds[id(worker)] for worker in workers])
    before, after = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(after / before for before, after in pairs)
    return f'{before:.3f} | {after:.3f} | {ratio:.3f}'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--before', default=BASELINE, help='folder or Git revision')
    parser.add_argument('--after', default=str(ROOT), help='folder or Git revision')
    parser.add_argument('--cases', nargs='+', choices=list(CASES), default=list(CASES))
    parser.add_argument('--seeds', type=int, default=10)
    parser.add_argument('--rounds', type=int, default=15, help='timed pairs of steps; 0 for none')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    faults = 0
    with checkout(args.before) as before, checkout(args.after) as after:
        workers = [Worker(before), Worker(after)]
        print(f'{args.seeds} seeds; before {args.before}, after {args.after}')
        for case in args.cases:
            lines = compare_values(case, args.seeds, workers)
            faults += len(lines)
            print(f'{case}:', *(lines or ['bit-identical']), sep='\n    ' if lines else ' ', flush=True)
        if args.rounds:
            print('\n| case | work | before, s | after, s | ratio |\n|-|-|-|-|-|')
        for case in args.cases if args.rounds else []:
            for work in ('training', 'prediction'):
                print(f'| {case} | {work} | {compare_times(case, work, args.rounds, workers)} |', flush=True)
        for worker in workers:
            worker.close()
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
