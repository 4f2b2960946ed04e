"""Rename rules: foreign tensor names and ours, and how to rearrange the tensors, in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor


class Transform(NamedTuple):
    """A rearrangement and its inverse."""

    read: Callable[[Tensor], Tensor]
    write: Callable[[Tensor], Tensor]


class Rule(NamedTuple):
    """One line of a table: the prefixes of a foreign name and of ours; the rest of the name is the same.

    Numbers that differ are written ``{i}``: with ``Rule('res{i+1}.', 'layer{i}.')``, ``res2.`` is ``layer1.``
    here. ``{3i-2}`` and ``{2-i}`` count in threes and backwards. ``i`` is never negative.

    Attributes:
        foreign: Prefix of the foreign name. Several prefixes are the parts of one tensor of ours,
            concatenated
            along its first dimension in this order.
        ours: Prefix of our name; None drops the tensor on purpose.
        transform: Rearranges the tensor.
    """

    foreign: str | tuple[str, ...]
    ours: str | None
    transform: Transform | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Beginnings of the foreign names, one or several."""
        return (self.foreign,) if isinstance(self.foreign, str) else self.foreign


class Format(NamedTuple):
    """The names that one code base gives to the tensors of a model.

    Attributes:
        title: What messages call it.
        marks: Beginnings of tensor names by which a checkpoint of this format is recognized.
        rules: The rename table, or a function that chooses it by the tensor names.
        whole: Whether it holds whole models, or backbones alone.
        ours: Whether its names are those of our models already.
    """

    title: str
    marks: tuple[str, ...]
    rules: Sequence[Rule] | Callable[[Collection[str]], Sequence[Rule]]
    whole: bool = True
    ours: bool = False

    def table(self, names: Collection[str]) -> Sequence[Rule]:
        """The rename table for a checkpoint with these tensor names."""
        return self.rules(names) if callable(self.rules) else self.rules


class _Target(NamedTuple):
    rule: Rule
    part: int
    name: str | None


def rename(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Foreign tensors under our names; the first rule that matches a name counts.

    Raises:
        ValueError: No rule matches a name, two tensors get one name, a part of a tensor is missing, or a
            shape
            cannot be rearranged.
    """
    renamed: dict[str, Tensor] = {}
    parts: dict[str, dict[int, str]] = {}
    for name in state:
        rule, part, new_name = _target(name, rules)
        if new_name is None:
            continue
        if new_name in renamed or part in parts.get(new_name, {}):
            raise ValueError(f'the checkpoint holds {name!r} and another tensor for {new_name!r}')
        names_of_parts = parts.setdefault(new_name, {})
        names_of_parts[part] = name
        if len(names_of_parts) == len(rule.parts):
            renamed[new_name] = _join(
                {names_of_parts[i]: state[names_of_parts[i]] for i in sorted(names_of_parts)}, rule
            )
    for new_name in (name for name in parts if name not in renamed):
        absent = next(name for name in foreign_names(new_name, rules) or () if name not in state)
        raise ValueError(f'the checkpoint lacks {absent!r}, a part of {new_name!r}')
    return renamed


def restore(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Our tensors under their foreign names: the inverse of `rename`.

    Raises:
        ValueError: No rule matches a name.
    """
    restored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        rule = _source(name, rules)
        names = foreign_names(name, rules)
        if rule is None or names is None:
            raise ValueError(f'the format has no place for {name!r}')
        if rule.transform:
            tensor = rule.transform.write(tensor)
        restored.update(zip(names, tensor.chunk(len(names)) if len(names) > 1 else (tensor,)))
    return restored


def foreign_names(name: str, rules: Sequence[Rule]) -> list[str] | None:
    """The foreign names of one of our tensors, one for each part; None if no rule matches."""
    rule = _source(name, rules)
    if rule is None:
        return None
    assert rule.ours is not None
    numbers, tail = _match(rule.ours, name) or ({}, '')
    return [_fill(part, numbers) + tail for part in rule.parts]


def relocated(rules: Iterable[Rule], old: str, new: str) -> list[Rule]:
    """The rules whose foreign names begin with ``old``, with ``new`` in its place."""
    return [
        rule._replace(foreign=tuple(new + part.removeprefix(old) for part in rule.parts))
        for rule in rules
        if all(part.startswith(old) for part in rule.parts)
    ]


def _target(name: str, rules: Sequence[Rule]) -> _Target:
    for rule in rules:
        for i, part in enumerate(rule.parts):
            if match := _match(part, name):
                numbers, tail = match
                return _Target(rule, i, None if rule.ours is None else _fill(rule.ours, numbers) + tail)
    raise ValueError(f'the checkpoint holds {name!r}, which no rule of this format knows')


def _source(name: str, rules: Sequence[Rule]) -> Rule | None:
    return next((rule for rule in rules if rule.ours is not None and _match(rule.ours, name)), None)


def _join(parts: Mapping[str, Tensor], rule: Rule) -> Tensor:
    try:
        tensor = torch.cat([*parts.values()]) if len(parts) > 1 else next(iter(parts.values()))
        return rule.transform.read(tensor) if rule.transform else tensor
    except RuntimeError as error:
        shapes = ', '.join(f'{name!r} of shape {tuple(tensor.shape)}' for name, tensor in parts.items())
        raise ValueError(f'the checkpoint holds {shapes}, which cannot be rearranged: {error}') from None


class _Number(NamedTuple):
    """``slope * name + offset``, as written in braces."""

    name: str
    slope: int
    offset: int


_NUMBER = re.compile(r'\{(?:(\d*)([a-z])([+-]\d+)?|(\d+)-([a-z]))\}')


@cache
def _compile(template: str) -> tuple[re.Pattern, tuple[_Number, ...]]:
    """Regular expression of the beginning of a name, and the number that each of its groups is."""
    numbers = []
    for factor, name, offset, start, backwards in _NUMBER.findall(template):
        rising = _Number(name, int(factor or 1), int(offset or 0))
        numbers.append(_Number(backwards, -1, int(start)) if backwards else rising)
    literals = map(re.escape, _NUMBER.sub('\0', template).split('\0'))
    return re.compile(r'(\d+)'.join(literals)), tuple(numbers)


@lru_cache(maxsize=65536)
def _match(template: str, name: str) -> tuple[dict[str, int], str] | None:
    """The numbers in a name that begins as the template says, and the rest of the name."""
    pattern, numbers = _compile(template)
    match = pattern.match(name)
    if match is None:
        return None
    values = {}
    for number, digits in zip(numbers, match.groups()):
        value, remainder = divmod(int(digits) - number.offset, number.slope)
        if remainder or value < 0:
            return None
        values[number.name] = value
    return values, name[match.end() :]


def _fill(template: str, values: Mapping[str, int]) -> str:
    _, numbers = _compile(template)
    digits = iter(number.slope * values[number.name] + number.offset for number in numbers)
    return _NUMBER.sub(lambda _: str(next(digits)), template)


def _read_patch_merging(tensor: Tensor) -> Tensor:
    *lead, merged = tensor.shape
    corners = tensor.reshape(*lead, 2, 2, merged // 4)
    return corners.transpose(-3, -2).flatten(-3, -2).mT.reshape(*lead, merged)


def _write_patch_merging(tensor: Tensor) -> Tensor:
    *lead, merged = tensor.shape
    corners = tensor.reshape(*lead, merged // 4, 4).mT.reshape(*lead, 2, 2, merged // 4)
    return corners.transpose(-3, -2).reshape(*lead, merged)


# Channels of four merged patches: (column, row, channel) by the authors, (channel, row, column), the order of
# `nn.Unfold`, here.
PATCH_MERGING = Transform(_read_patch_merging, _write_patch_merging)
