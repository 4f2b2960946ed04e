"""The classes of a model: names, colors, and which are things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.registry import DATASETS
from torch import nn


@dataclass(frozen=True)
class Classes:
    """The classes of a model.

    Attributes:
        names: Their names.
        palette: Their colors (red, green, blue), if the data set has any.
        things: The names of those that are things, if the data set says so.
        category_ids: Their ids in the data set's files; their indices where it has none.
    """

    names: tuple[str, ...]
    palette: Sequence[Sequence[int]] | None
    things: frozenset[str] | None
    category_ids: tuple[int, ...]

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Classes:
        """The classes of a data set's metainfo."""
        names, things = tuple(meta['classes']), meta.get('thing_classes')
        ids = meta.get('category_ids') or range(len(names))
        return cls(
            names=names,
            palette=meta.get('palette') or None,
            things=None if things is None else frozenset(things),
            category_ids=tuple(int(number) for number in ids),
        )

    def is_thing(self, index: int) -> bool | None:
        """Whether a class is one of objects, if that is known."""
        return None if self.things is None else self.names[index] in self.things


def choose_meta(model: nn.Module, candidates: Sequence[Mapping | None]) -> dict[str, Any]:
    """The first metainfo that has a name for each class, completed by others of the same classes."""
    head: Any = getattr(model, 'decode_head', None)
    number = getattr(model, 'num_classes', None) or head.num_classes
    given = candidates[0]
    if given and len(given.get('classes') or ()) not in (0, number):
        raise ValueError(
            f'{len(given["classes"])} class names were given, but the model has {number} classes: give one '
            'for each.'
        )
    fitting = [meta for meta in candidates if meta and len(meta.get('classes') or ()) == number]
    names = tuple(fitting[0]['classes']) if fitting else tuple(f'class {i}' for i in range(number))
    merged: dict[str, Any] = {}
    for meta in reversed([given or {}, *fitting]):
        if tuple(meta.get('classes') or names) == names:
            merged.update({key: value for key, value in meta.items() if value is not None})
    return {**merged, 'classes': names}


def dataset_meta(config: Mapping) -> dict[str, Any]:
    """Classes, palette and things of a config's data set, as far as they are known without its files."""
    for phase in ('test', 'val', 'train'):
        dataset = (config.get(f'{phase}_dataloader') or {}).get('dataset') or {}
        while 'dataset' in dataset or 'datasets' in dataset:  # wrappers
            dataset = dataset.get('dataset') or dataset['datasets'][0]
        if 'type' not in dataset:
            continue
        try:
            meta = DATASETS.build({**dataset, 'lazy_init': True, 'pipeline': []}).metainfo
        except (FileNotFoundError, ValueError, KeyError, TypeError, AssertionError):
            continue  # its classes are in files that are not here, or it is another project's
        if meta.get('classes'):
            return dict(meta)
    return {}
