"""Parts of a config that can be written in several ways: data sets in wrappers, metrics, types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def inner_configs(dataset: Mapping | None) -> Iterator[Any]:
    """The configs of the data sets inside wrappers such as ``ConcatDataset`` and ``RepeatDataset``."""
    if not isinstance(dataset, Mapping):
        return
    inner = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    if not inner:
        yield dataset
    for child in inner:
        yield from inner_configs(child)


def evaluators_of(setting: Any) -> list[Any]:
    """The configs of the metrics in ``test_evaluator`` or ``val_evaluator``; none if it is not set."""
    if isinstance(setting, list | tuple):
        return list(setting)
    return [setting] if setting else []


def type_name(config: Mapping) -> str:
    """Name of the class in ``type``, without its scope or module; ``''`` without one."""
    kind = config.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
