"""Checkpoints of any known format, converted to the names of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from .reading import read_state_dict
from .rules import Format, foreign_names, rename
from .tables import FORMATS, recognize


class Converted(NamedTuple):
    """A checkpoint under our names.

    Attributes:
        state: The tensors, a backbone's below ``backbone.``.
        format: Its original format.
        foreign_name: Maps our name of a tensor to its original name; several parts are joined by "and".
    """

    state: dict[str, Tensor]
    format: Format
    foreign_name: Callable[[str], str]


def read_checkpoint(source: str | Path) -> Converted:
    """Read a checkpoint of any known format, which is recognized by its tensor names.

    Args:
        source: See `read_state_dict`.

    Raises:
        FileNotFoundError: No such source.
        ValueError: The file cannot be read, its format is unknown, or it holds a tensor that is not known.
    """
    return to_our_names(read_state_dict(source), source)


def to_our_names(foreign: Mapping[str, Tensor], source: str | Path) -> Converted:
    """A state dict of any known format under our names.

    Args:
        foreign: The state dict.
        source: Where it comes from, for messages.

    Raises:
        ValueError: The format is unknown, a tensor is not in its table, or part of a tensor is missing.
    """
    source_format = recognize(foreign)
    if source_format is None:
        raise ValueError(
            f'{source} holds tensors {", ".join(list(foreign)[:3])} ..., names of no known format; '
            f'expected one of: {", ".join(known.title for known in FORMATS)}'
        )
    rules = source_format.table(foreign)
    try:
        state = rename(foreign, rules)
    except ValueError as error:
        raise ValueError(f'{source}: {error} ({source_format.title} format)') from None
    return Converted(state, source_format, lambda name: ' and '.join(foreign_names(name, rules) or [name]))
