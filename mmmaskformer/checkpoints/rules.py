"""Rename tables: what a foreign tensor is called here, and how it must be rearranged."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor


class Rule(NamedTuple):
    """One line of a table.

    Attributes:
        pattern: Regular expression for the beginning of a foreign name.
        target: What replaces the match, as for `re.sub`; None drops the tensor on purpose.
        transform: Rearranges the tensor.
    """

    pattern: str
    target: str | Callable[[re.Match], str] | None
    transform: Callable[[Tensor], Tensor] | None = None


def rename(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Apply to each name the first rule that matches.

    Raises:
        ValueError: A name that no rule knows, or two tensors of one new name.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        rule = next((rule for rule in rules if re.match(rule.pattern, name)), None)
        if rule is None:
            raise ValueError(f'the checkpoint holds {name!r}, which no rule of this format knows')
        if rule.target is None:
            continue
        new_name = re.sub(rule.pattern, rule.target, name, count=1)
        if new_name in renamed:
            raise ValueError(f'the checkpoint holds {name!r} and another tensor for {new_name!r}')
        renamed[new_name] = rule.transform(tensor) if rule.transform else tensor
    return renamed
