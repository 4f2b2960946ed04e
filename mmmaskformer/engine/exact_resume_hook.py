"""Let a run that was cut off end exactly as it would have ended."""

import itertools
from typing import Any

from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS

from .numbered_samples import STEP, number_samples, set_seeds


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes all randomness of training a function of the seed and of the position in the run.

    Augmentation is drawn from the seed and the number of the sample, dropout (and whatever else the model
    draws) from the seed, the process and the iteration. So a resumed run goes on with the samples, crops,
    flips and dropped units that it would have had, and neither validation in between nor the number of
    workers changes them. MMEngine by itself resumes weights, optimiser and schedules, but draws anew, and
    loads all samples that the model has seen only to skip them; here their indices are skipped.

    It works with loops by iterations and by epochs, also from the middle of an epoch. Transforms that keep a
    generator or samples of their own (caches of mosaics) are beyond its reach.

    Raises:
        RuntimeError: The processes of a distributed run resume at different iterations.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Put a numbered loader in place of the loop's, at the batch where training goes on."""
        loop: Any = runner.train_loop
        self.seed = _agreed_seed(runner)
        endless = hasattr(loop, 'dataloader_iterator')
        epoch = 0 if endless else loop.epoch
        done = max(0, loop.iter - epoch * len(loop.dataloader))
        if endless:
            loop.dataloader_iterator = None  # its workers end
        loop.dataloader = number_samples(loop.dataloader, self.seed, endless, epoch, done)
        if endless:  # the loop asks for all batches that it has seen before it goes on
            loop.dataloader_iterator = itertools.chain(
                itertools.repeat(None, loop.iter), iter(loop.dataloader)
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the iteration."""
        set_seeds(self.seed, STEP, get_rank(), runner.iter, devices=True)


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
