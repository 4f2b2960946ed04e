"""Replay a learning-rate schedule up to an iteration, step by step as training computes it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# State that changes while a scheduler runs; everything else comes from the config.
PROGRESS = {
    'last_step', '_global_step', '_last_value', 'verbose', 'best', 'num_bad_epochs', 'cooldown_counter',
}  # fmt: skip
PER_GROUP = ('base_values', '_last_value', 'min_values')
NOT_SETTINGS = ('params', 'param_names')


@dataclass
class Schedule:
    """Parameter groups of an optimizer without their tensors, and the schedulers that act on them.

    It stands in for the optimizer of its schedulers: stepping them changes these groups alone.
    """

    param_groups: list[dict[str, Any]]
    schedulers: list[Any] = field(default_factory=list)
    defaults: dict[str, Any] = field(default_factory=dict)
    _global_step = 0

    def step(self) -> None:
        """Does nothing; schedulers expect the method."""

    step._with_counter = True  # type: ignore[attr-defined]

    @classmethod
    def of(cls, optim_wrapper: Any, schedulers: Sequence[Any]) -> Schedule:
        """A copy of the present state of an optimizer and its schedulers."""
        groups = [_settings(group) for group in optim_wrapper.param_groups]
        schedule = cls(groups, defaults=dict(optim_wrapper.defaults))
        schedule.schedulers = [_copy(scheduler, schedule) for scheduler in schedulers]
        return schedule

    def constants(self) -> list[dict[str, Any]]:
        """The settings of each scheduler, in the form of its state."""
        return [constants(vars(scheduler)) for scheduler in self.schedulers]

    def keys(self) -> set[str]:
        """Keys of the parameter groups that the schedulers write."""
        names = {scheduler.param_name for scheduler in self.schedulers}
        keys = {f'{prefix}{name}' for name in names for prefix in ('', 'initial_', 'max_', 'min_')}
        with_betas = any(getattr(scheduler, 'use_betas', False) for scheduler in self.schedulers)
        return keys | ({'betas'} if with_betas else set())

    def after(self, iterations: int, epochs: int = 0, epoch_length: int | None = None) -> Schedule:
        """The state after so many iterations of training from the beginning.

        Args:
            iterations: Iterations that are done.
            epochs: Epochs that are done.
            epoch_length: Iterations of an epoch; None where training goes by iterations.
        """
        distinct, members = _distinct(self.param_groups)
        short = self._select(distinct)
        by_iteration = [scheduler for scheduler in short.schedulers if not scheduler.by_epoch]
        by_epoch = [scheduler for scheduler in short.schedulers if scheduler.by_epoch]
        for iteration in range(1, iterations + 1):
            for scheduler in by_iteration:
                scheduler.step()
            if epoch_length and iteration % epoch_length == 0 and iteration // epoch_length <= epochs:
                for scheduler in by_epoch:
                    scheduler.step()
        return short._select(members)

    def _select(self, indices: Sequence[int]) -> Schedule:
        """A copy with the groups of these indices, which may repeat."""
        number = len(self.param_groups)
        chosen = Schedule([dict(self.param_groups[i]) for i in indices], defaults=self.defaults)
        for scheduler in self.schedulers:
            clone = _copy(scheduler, chosen)
            for key in PER_GROUP:
                values = getattr(clone, key, None)
                if isinstance(values, list) and len(values) == number:
                    setattr(clone, key, [values[i] for i in indices])
            chosen.schedulers.append(clone)
        return chosen

    def write_to(self, optim_wrapper: Any, schedulers: Sequence[Any]) -> None:
        """Copy this state into an optimizer's scheduled settings and its schedulers."""
        keys = self.keys()
        for group, values in zip(optim_wrapper.param_groups, self.param_groups):
            group.update({key: value for key, value in values.items() if key in keys})
        for scheduler, replayed in zip(schedulers, self.schedulers):
            optimizer = scheduler.optimizer
            vars(scheduler).clear()
            vars(scheduler).update(vars(replayed), optimizer=optimizer)


def constants(state: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's state without its progress."""
    kept = {key: value for key, value in state.items() if key not in PROGRESS and key != 'optimizer'}
    return {key: value for key, value in kept.items() if not callable(value)}


def without_functions(state: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's state as a checkpoint may hold it: functions come from the config."""
    return {key: value for key, value in state.items() if not callable(value)}


def _copy(scheduler: Any, optimizer: Schedule) -> Any:
    """A copy of a scheduler that acts on another optimizer."""
    clone = copy.copy(scheduler)
    state = {key: value for key, value in vars(scheduler).items() if key != 'optimizer'}
    vars(clone).update(copy.deepcopy(state), optimizer=optimizer)
    return clone


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: copy.deepcopy(value) for key, value in group.items() if key not in NOT_SETTINGS}


def _distinct(groups: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[int]]:
    """Indices of distinct groups, and for every group the position of the equal one among them.

    A model has hundreds of groups with a handful of different settings.
    """
    positions: dict[str, int] = {}
    first: list[int] = []
    members = []
    for index, group in enumerate(groups):
        key = repr(sorted(group.items()))
        if key not in positions:
            positions[key] = len(first)
            first.append(index)
        members.append(positions[key])
    return first, members
