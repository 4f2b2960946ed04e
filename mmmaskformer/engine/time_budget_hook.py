"""A training that lasts as long as it may, with a schedule that ends where it ends."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import broadcast_object_list
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim import OptimWrapperDict
from mmengine.optim.scheduler import LinearParamScheduler, PolyParamScheduler
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS

from .runner_components import segmentor_of

FIRST = 4
"""Iterations after which the length is set for the first time."""
EVERY = 10
"""Iterations between its corrections."""
LENGTH_UNKNOWN = 'length_unknown'
"""Key in the runner's message hub: whether the first iterations are still being timed."""
VALIDATION_SHARE = 0.25
MOST_VALIDATIONS = 5
NEVER = 10**9


@HOOKS.register_module()
class TimeBudgetHook(Hook):
    """Sets the number of iterations by timing the first ones, so that training ends when its time is up.

    Validations are part of the time: up to five, fewer where they would take more than a quarter of it. The
    length is corrected every ten iterations, since a machine may become slower or faster. The polynomial
    schedule of the learning rate ends with the training, and a warm-up that would be longer than a tenth
    of it is cut. `HomeQueryCost` fades within half of a short training.

    A resumed training keeps the length in its config.

    Args:
        minutes: Time from the first iteration to the end of the last validation.

    Raises:
        ValueError: ``minutes`` is not positive, or the schedule cannot be moved.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.TimeBudgetHook', minutes=30)]
    """

    priority = 'VERY_LOW'  # after hooks that save or validate by iteration

    def __init__(self, minutes: float) -> None:
        if minutes <= 0:
            raise ValueError(f'minutes={minutes} is not a time to train for: set a positive number.')
        self.seconds = 60.0 * minutes
        self._active = False
        self._start = self._first_end = self._validating = self._val_start = 0.0
        self._num_validations = self._planned = 0
        self._due = NEVER

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        schedulers = _schedulers(runner)
        fixed = [s for s in schedulers if not isinstance(s, LinearParamScheduler | PolyParamScheduler)]
        if fixed or not hasattr(runner.train_loop, 'dataloader_iterator'):
            name = type(fixed[0]).__name__ if fixed else type(runner.train_loop).__name__
            raise ValueError(
                f'A limit in minutes moves LinearLR and PolyLR in an IterBasedTrainLoop, but the config has '
                f'{name}: change param_scheduler or train_cfg, or leave the limit out.'
            )
        self._active = runner.iter == 0
        self._start = time.perf_counter()
        runner.message_hub.update_info(LENGTH_UNKNOWN, self._active)
        if self._active:
            self._set_length(runner, max(runner.max_iters, FIRST + 1))

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Set or correct the length, and start a validation when it is due."""
        done = runner.iter + 1
        if not self._active:
            return
        if done == 1:
            self._first_end = time.perf_counter()
        if done == FIRST:
            self._plan_validations(runner)
        if done == FIRST or (done > FIRST and done % EVERY == 0 and done < runner.max_iters):
            self._fit(runner, done)
        due = done if done == self._due < runner.max_iters else NEVER
        runner.train_loop.dynamic_intervals = [due]
        runner.train_loop.val_interval = due

    def before_val(self, runner: Runner) -> None:
        """Start the clock of a validation."""
        self._val_start = time.perf_counter()

    def after_val(self, runner: Runner) -> None:
        """Note its time."""
        self._validating += time.perf_counter() - self._val_start
        self._num_validations += 1
        self._due = NEVER
        if self._active and runner.iter < runner.max_iters:
            self._fit(runner, runner.iter)

    def _plan_validations(self, runner: Runner) -> None:
        """Time the prediction of an image, and decide on the number of validations."""
        if runner.val_loop is None:
            return
        dataset, model = runner.val_dataloader.dataset, segmentor_of(runner.model)
        num_images = min(len(dataset), 2)
        model.eval()
        with torch.no_grad():
            for place in range(num_images):
                start = time.perf_counter()
                model.val_step(pseudo_collate([dataset[place]]))
                self._guess = (time.perf_counter() - start) * len(dataset)
        model.train()
        self._planned = max(1, min(int(VALIDATION_SHARE * self.seconds / self._guess), MOST_VALIDATIONS))

    def _fit(self, runner: Runner, done: int) -> None:
        """Set the length to what the remaining time allows; all processes follow the first."""
        now = time.perf_counter()
        step = (now - self._first_end - self._validating) / max(done - 1, 1)
        validation = self._validating / self._num_validations if self._num_validations else self._guess
        validations = max(self._planned - self._num_validations, 1) if self._planned else 0
        left = self.seconds - (now - self._start) - validations * validation
        iterations = max(int(left / step), 1)
        validations = min(validations, max(iterations // EVERY, 1))
        due = (
            done + math.ceil(iterations / validations) if validations > 1 else NEVER
        )  # the last is at the end
        runner.message_hub.update_info(LENGTH_UNKNOWN, False)
        numbers = [done + iterations, due]
        broadcast_object_list(numbers)
        self._set_length(runner, numbers[0])
        self._due = numbers[1] if self._due == NEVER else self._due

    _guess = 0.0

    def _set_length(self, runner: Runner, max_iters: int) -> None:
        loop = runner.train_loop
        loop._max_iters = max_iters
        loop.dynamic_milestones, loop.dynamic_intervals, loop.val_interval = [0], [NEVER], NEVER
        runner.message_hub.update_info('max_iters', max_iters)
        for scheduler in _schedulers(runner):
            if isinstance(scheduler, PolyParamScheduler):
                scheduler.end, scheduler.total_iters = max_iters + 1, max_iters
            elif scheduler.end > max_iters // 10 and scheduler.last_step >= max_iters // 10:
                _end_warm_up(scheduler)
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                hook.interval = NEVER  # the best one is saved by validations, the last one at the end
        _shorten_home(segmentor_of(runner.model), max_iters)


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers
    if isinstance(schedulers, dict) or isinstance(runner.optim_wrapper, OptimWrapperDict):
        raise ValueError('A limit in minutes needs a single optimizer: leave the limit out.')
    return list(schedulers or [])


def _end_warm_up(scheduler: Any) -> None:
    """Go to the full learning rate now, if the warm-up has not reached it."""
    if scheduler.last_step < scheduler.end - 1:
        for group in scheduler.optimizer.param_groups:
            group['lr'] = group['initial_lr']
    scheduler.end = scheduler.last_step


def _shorten_home(model: Any, max_iters: int) -> None:
    """Let `HomeQueryCost` fade within half of a short training."""
    criterion = getattr(getattr(model, 'decode_head', None), 'criterion', None)
    for cost in getattr(getattr(criterion, 'assigner', None), 'costs', ()):
        if hasattr(cost, 'num_iterations'):
            cost.planned_iterations = getattr(cost, 'planned_iterations', cost.num_iterations)
            cost.num_iterations = max(min(cost.planned_iterations, max_iters // 2), 1)
