"""Layers in another form while a graph is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor


@contextmanager
def other_forward(modules: Sequence[Any], forward: Callable[..., Tensor]) -> Iterator[None]:
    """Let ``forward``, called with the module first, stand in for that of the modules inside the context."""
    for module in modules:
        module.forward = partial(forward, module)
    try:
        yield
    finally:
        for module in modules:
            del module.forward
