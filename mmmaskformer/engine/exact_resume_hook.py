"""Let a run that was cut off end exactly as it would have ended."""

import itertools
from collections.abc import Iterable
from typing import Any

from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor

from mmmaskformer.registry import HOOKS

from .position_seeding import STEP, seed_by_position, set_seeds


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes all randomness of training a function of the seed and of the position in the run.

    Augmentation is drawn from the seed and the number of the sample, dropout (and whatever else the model
    draws) from the seed, the process and the iteration. So a resumed run goes on with the samples, crops,
    flips and dropped units that it would have had, and neither validation in between nor the number of
    workers changes them. MMEngine by itself resumes weights, optimiser and schedules, but draws anew, and
    loads all samples that the model has seen only to skip them; here their indices are skipped.

    It also loads the optimizer's step counts onto a GPU, which then waits for each of them in every step;
    here they return to the CPU, where a run that was not resumed has them.

    It works with loops by iterations and by epochs, also from the middle of an epoch. Transforms that keep a
    generator or samples of their own (caches of mosaics) are beyond its reach.

    Raises:
        RuntimeError: The processes of a distributed run resume at different iterations.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Put a numbered loader in place of the loop's, at the batch where training goes on."""
        _return_step_counts(runner.optim_wrapper)
        loop: Any = runner.train_loop
        self.seed = _agreed_seed(runner)
        endless = hasattr(loop, 'dataloader_iterator')
        epoch = 0 if endless else loop.epoch
        done = max(0, loop.iter - epoch * len(loop.dataloader))
        if endless:
            takes_seen = not hasattr(loop.dataloader_iterator, 'skip_iter')
            loop.dataloader_iterator = None  # its workers end
        loop.dataloader = seed_by_position(loop.dataloader, self.seed, endless, epoch, done)
        if endless:
            loop.dataloader_iterator = _Batches(loop.dataloader, loop.iter if takes_seen else 0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the iteration."""
        set_seeds(self.seed, STEP, get_rank(), runner.iter, devices=True)


class _Batches:
    """The batches still to come, for a loop that means to pass over those that it has seen.

    MMEngine's takes them one by one first: it gets None for each. OneDL's release of it calls `skip_iter`.
    """

    def __init__(self, loader: Iterable, seen: int) -> None:
        self._batches = itertools.chain(itertools.repeat(None, seen), loader)

    def __next__(self) -> Any:
        return next(self._batches)

    def skip_iter(self, num_iters: int) -> None:
        """Nothing: the loader stands where training goes on."""


def _return_step_counts(optim_wrapper: Any) -> None:
    """Move each parameter's ``step`` to the CPU, unless the optimizer keeps it on the GPU on purpose."""
    wrappers = optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
    for optimizer in (wrapper.optimizer for wrapper in wrappers):
        groups = [g for g in optimizer.param_groups if not (g.get('fused') or g.get('capturable'))]
        for parameter in (parameter for group in groups for parameter in group['params']):
            state = optimizer.state.get(parameter, {})
            if isinstance(state.get('step'), Tensor):
                state['step'] = state['step'].cpu()


def _agreed_seed(runner: Runner) -> int:
    """The seed of the first process: with ``diff_rank_seed``, every process has its own."""
    first = [runner.seed, runner.iter]
    broadcast_object_list(first)
    if first[1] != runner.iter:
        raise RuntimeError(
            f'process {get_rank()} resumes at iteration {runner.iter}, the first one at {first[1]}: all need '
            'the same work_dir, on a file system that they share.'
        )
    return first[0]
