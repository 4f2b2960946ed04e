"""Differences between a config and the one that a checkpoint was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config

from ..checkpoints.config_of_checkpoint import read_config_text

# What decides a training; all else in a config is files, tests, or names that it was written with.
TRAINING = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'randomness',
    'default_hooks',
    'custom_hooks',
    'val_dataloader',
    'val_cfg',
    'val_evaluator',
    'runner_type',
    'strategy',
)
# What changes no number.
SPEED = {'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor', 'logger', 'visualization'}
ABSENT = 'not set'
LISTED = 12


def trained_config(meta: Mapping[str, Any]) -> Config | None:
    """The config that a checkpoint carries, None if it carries none or code is needed to read it."""
    text = meta.get('cfg')
    if not isinstance(text, str) or not text:
        return None
    try:
        return read_config_text(text, 'the checkpoint')
    except ValueError:
        return None


def config_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The differences that matter to training, each as ``train_cfg.max_iters 8 -> 24``."""
    return [
        change for key in TRAINING for change in _changes(old.get(key, ABSENT), new.get(key, ABSENT), key)
    ]


def summary(changes: Sequence[str]) -> str:
    """The changes on one line, the first of them if there are many."""
    more = [f'and {len(changes) - LISTED} more'] if len(changes) > LISTED else []
    return '; '.join([*changes[:LISTED], *more])


def _changes(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in SPEED:
                yield from _changes(old.get(key, ABSENT), new.get(key, ABSENT), f'{place}.{key}')
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new)):
            yield from _changes(*pair, f'{place}.{index}')
    elif _has_dicts(old) and _has_dicts(new):  # hooks, transforms, schedulers: which came and went
        gone, come = [item for item in old if item not in new], [item for item in new if item not in old]
        yield f'{place} {_short(gone)} -> {_short(come)}'
    elif old != new and not (_is_list(old) and _is_list(new) and list(old) == list(new)):
        yield f'{place} {_short(old)} -> {_short(new)}'


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _has_dicts(value: Any) -> bool:
    return _is_list(value) and any(isinstance(item, Mapping) for item in value)


def _short(value: Any) -> str:
    """A value, or of a long one its kind."""
    if isinstance(value, Mapping):
        return str(value.get('type', 'dict(...)'))
    if _has_dicts(value):
        return f'[{", ".join(_short(item) for item in value)}]'
    return str(value) if len(str(value)) <= 60 else f'{str(value)[:57]}...'
