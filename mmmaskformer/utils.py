"""The entry point that OpenMMLab's tools look for in a package, and lists in messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.registry import DefaultScope, init_default_scope


def register_all_modules(set_default_scope: bool = True) -> None:
    """Set a default scope if there is none; importing the package has filled the registries.

    ``mmengine.hub.get_model`` calls it.

    Args:
        set_default_scope: Whether to make ``mmseg``, which the configs are written for, the default scope.
    """
    if set_default_scope and DefaultScope.get_current_instance() is None:
        init_default_scope('mmseg')


def shown(values: Sequence[Any], number: int = 3) -> str:
    """The first values of a list and the number of remaining ones, for a message.

    Example:
        >>> shown(['a', 'b', 'c'], 2)
        'a, b and 1 more'
    """
    rest = len(values) - number
    return ', '.join(map(str, values[:number])) + (f' and {rest} more' if rest > 0 else '')
