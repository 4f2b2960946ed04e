"""Resume an interrupted run so that it ends exactly as without the interruption."""

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
    draws) from the seed, the process and the iteration. So a resumed run sees the samples, crops, flips and
    dropped units of an uninterrupted one, whatever the number of workers and validations. MMEngine by itself
    resumes weights, optimizer and schedules, but not the random state, and loads all samples that the model
    has seen only to skip them; here the indices are skipped.

    MMEngine also loads the optimizer's step counts onto the GPU, where reading them synchronizes with the
    host in every step; here they are moved back to the CPU, where an uninterrupted run has them.

    It works with loops by iterations and by epochs, also from the middle of an epoch. Transforms with a
    generator or cached samples of their own (mosaics with a cache) are not covered.

    Raises:
        RuntimeError: The processes of a distributed run resume at different iterations.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Replace the data loader by one that is seeded by position and starts at the resumed batch."""
        _return_step_counts(runner.optim_wrapper)
        loop: Any = runner.train_loop
        self.seed = _agreed_seed(runner)
        endless = hasattr(loop, 'dataloader_iterator')
        epoch = 0 if endless else loop.epoch
        done = max(0, loop.iter - epoch * len(loop.dataloader))
        if endless:
            fetches_seen = not hasattr(loop.dataloader_iterator, 'skip_iter')
            loop.dataloader_iterator = None  # its workers end
        loop.dataloader = seed_by_position(loop.dataloader, self.seed, endless, epoch, done)
        if endless:
            loop.dataloader_iterator = _RemainingBatches(loop.dataloader, loop.iter if fetches_seen else 0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the iteration."""
        set_seeds(self.seed, STEP, get_rank(), runner.iter, devices=True)


class _RemainingBatches:
    """The remaining batches, for a loop that skips those it has seen.

    MMEngine's loop fetches the seen batches one by one: it gets None for each. OneDL's fork calls
    `skip_iter`.
    """

    def __init__(self, loader: Iterable, seen: int) -> None:
        self._batches = itertools.chain(itertools.repeat(None, seen), loader)

    def __next__(self) -> Any:
        return next(self._batches)

    def skip_iter(self, num_iters: int) -> None:
        """Nothing to skip: the loader starts at the resumed batch."""


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
    seed_and_iter = [runner.seed, runner.iter]
    broadcast_object_list(seed_and_iter)
    if seed_and_iter[1] != runner.iter:
        raise RuntimeError(
            f'process {get_rank()} resumes at iteration {runner.iter}, the first one at '
            f'{seed_and_iter[1]}: all need the same work_dir, on a shared file system.'
        )
    return seed_and_iter[0]
