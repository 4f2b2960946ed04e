"""An estimate of the time left that counts validation."""

from __future__ import annotations

import time
from typing import Any

from mmengine.hooks import IterTimerHook
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS


@HOOKS.register_module()
class TimeLeftHook(IterTimerHook):
    """MMEngine's timer, whose ``eta`` includes the validations that are still to come.

    MMEngine multiplies the remaining iterations by their mean time. Here the remaining validations (and the
    best checkpoints that are saved with them) are added, at the mean time of those that were run. Before the
    first one, an image is taken to cost as much in validation as in training.
    """

    def __init__(self) -> None:
        super().__init__()
        self._validations: list[float] = []
        self._start = 0.0

    def before_val(self, runner: Runner) -> None:
        """Start the clock of a validation."""
        self._start = time.time()

    def after_val(self, runner: Runner) -> None:
        """Note its time, which is not that of the next training iteration."""
        self._validations.append(time.time() - self._start)
        self.t = time.time()

    def _after_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = 'train'
    ) -> None:
        super()._after_iter(runner, batch_idx, data_batch, outputs, mode)
        if mode == 'train' and runner.val_loop is not None:
            num_images = len(data_batch['inputs']) if isinstance(data_batch, dict) else 1
            per_image = self.time_sec_tot / (runner.iter - self.start_iter + 1) / num_images
            validation = self._mean_validation(per_image * len(runner.val_dataloader.dataset))
            seconds = (
                runner.message_hub.get_info('eta') + num_validations_left(runner.train_loop) * validation
            )
            runner.message_hub.update_info('eta', seconds)

    def _mean_validation(self, guess: float) -> float:
        return sum(self._validations) / len(self._validations) if self._validations else guess


def num_validations_left(loop: Any) -> int:
    """Validations that follow the iteration, or epoch, that a training loop is in.

    Both of MMEngine's loops validate after every ``val_interval`` of them from ``val_begin`` on, and at the
    end.
    """
    if hasattr(loop, 'dataloader_iterator'):
        done, end = loop.iter, loop.max_iters
    else:
        done, end = loop.epoch, loop.max_epochs
    first = max(done + 1, loop.val_begin)
    if first > end:
        return 0
    multiples = end // loop.val_interval - (first - 1) // loop.val_interval
    return multiples + (end % loop.val_interval > 0)
