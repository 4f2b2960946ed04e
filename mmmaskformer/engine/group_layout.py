"""Resume an optimizer whose checkpoint has the same parameters in other groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from .merged_groups import IMPLEMENTATIONS
from .resume_checks import ADVICE
from .schedule_replay import PER_GROUP

NAMES = 'param_names'
BASE = 'base_param_settings'  # MMEngine's further group, without parameters, where there are several


def follow_groups(wrapper: Any, model: nn.Module, saved: dict[str, Any], schedules: Sequence[dict]) -> None:
    """Rewrite the state of an optimizer and its schedulers to the groups of the present optimizer.

    Parameters are found by the names in the groups; groups of MMEngine's constructor, a parameter in each,
    have none and are in the order of the model. What cannot be matched stays as it is, to be refused.

    Args:
        wrapper: The present optimizer wrapper.
        model: Names the parameters.
        saved: State of the optimizer in the checkpoint, changed in place.
        schedules: States of its schedulers, changed in place.

    Raises:
        ValueError: The state of a parameter has another shape than the parameter.
    """
    groups, present = saved.get('param_groups'), wrapper.optimizer.param_groups
    if not isinstance(groups, list) or not all(isinstance(i, int) for g in groups for i in g['params']):
        return  # a strategy with a format of its own
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    wanted = [[names[id(parameter)] for parameter in group['params']] for group in present]
    trained = {name for listed in wanted for name in listed}
    saved_names = _saved_names(groups, [name for name in names.values() if name in trained])
    if saved_names is None or {name for listed in saved_names for name in listed} != trained:
        return
    places = {
        name: (index, number)
        for index, (group, listed) in enumerate(zip(groups, saved_names))
        for name, number in zip(listed, group['params'])
    }
    if saved_names != wanted:
        for parameter in (parameter for group in present for parameter in group['params']):
            name = names[id(parameter)]
            _check_shapes(name, parameter, saved['state'].get(places[name][1], {}))
        sources = [places[listed[0]][0] for listed in wanted]
        _rewrite_schedules(schedules, groups, sources, BASE in saved, wrapper.base_param_settings is not None)
        saved.update(_regrouped(saved, wanted, places, sources))
        _rewrite_base(saved, groups, wrapper)
    for group, own in zip(saved['param_groups'], present):
        group.update({key: own[key] for key in IMPLEMENTATIONS if key in own})  # by device, not by checkpoint


def _saved_names(groups: Sequence[Mapping], in_order: Sequence[str]) -> list[list[str]] | None:
    """Names of the parameters of each saved group; None where they are not known."""
    if all(NAMES in group for group in groups):
        return [list(group[NAMES]) for group in groups]
    one_each = all(len(group['params']) == 1 for group in groups) or len(groups) == 1
    if not one_each or sum(len(group['params']) for group in groups) != len(in_order):
        return None
    remaining = iter(in_order)
    return [[next(remaining) for _ in group['params']] for group in groups]


def _regrouped(
    saved: Mapping[str, Any],
    wanted: Sequence[Sequence[str]],
    places: Mapping[str, tuple[int, int]],
    sources: Any,
) -> dict[str, Any]:
    """``param_groups`` and ``state`` in the new order; settings are those of each group's first parameter."""
    param_groups, state, number = [], {}, 0
    for listed, source in zip(wanted, sources):
        numbers = list(range(number, number + len(listed)))
        number += len(listed)
        settings = {k: v for k, v in saved['param_groups'][source].items() if k not in ('params', NAMES)}
        param_groups.append({**settings, 'params': numbers, NAMES: list(listed)})
        old = [places[name][1] for name in listed]
        state.update({new: saved['state'][was] for new, was in zip(numbers, old) if was in saved['state']})
    return dict(param_groups=param_groups, state=state)


def _rewrite_schedules(
    schedules: Sequence[dict],
    groups: Sequence[Mapping],
    sources: Sequence[int],
    had_base: bool,
    has_base: bool,
) -> None:
    """Values of each group; the last one is MMEngine's base, or that of the only group."""
    indices = [*sources, *([len(groups) if had_base else 0] if has_base else [])]
    for schedule in schedules:
        for key in PER_GROUP:
            values = schedule.get(key)
            if isinstance(values, list) and len(values) == len(groups) + had_base:
                schedule[key] = [values[index] for index in indices]


def _rewrite_base(saved: dict[str, Any], groups: Sequence[Mapping], wrapper: Any) -> None:
    own = wrapper.base_param_settings
    if own is None:
        saved.pop(BASE, None)
    elif BASE not in saved:
        settings = {key: value for key, value in groups[0].items() if key not in ('params', NAMES)}
        saved[BASE] = {**settings, 'params': own['params']}


def _check_shapes(name: str, parameter: Tensor, state: Mapping[str, Any]) -> None:
    for key, value in state.items():
        if isinstance(value, Tensor) and value.dim() and value.shape != parameter.shape:
            raise ValueError(
                f'the optimizer state {key} of {name} has the shape {tuple(value.shape)} in the checkpoint, '
                f'the parameter {tuple(parameter.shape)}: set model and optim_wrapper.paramwise_cfg back, or '
                f'{ADVICE}'
            )
