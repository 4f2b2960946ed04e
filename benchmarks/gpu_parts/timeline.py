"""Time by part: what runs inside a part, other parts inside it excepted, counts as the part's."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

REST = 'rest'


class Timeline:
    """Marks on the device's stream wherever a part begins or ends.

    The time between two marks belongs to the innermost part that is open. On a GPU the marks are events, so
    that a wait of the GPU for the host counts where it happens.

    Args:
        device: ``'cuda'`` or ``'cpu'``.

    Example:
        >>> timeline = Timeline('cpu')
        >>> with timeline.recording(), timeline.part('backward'):
        ...     pass
        >>> sorted(timeline.seconds())
        ['backward', 'rest']
    """

    def __init__(self, device: str):
        self.on_gpu = device == 'cuda'
        self._open = [REST]
        self._marks: list[tuple[str, Any]] = []
        self._active = False

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the parts inside; outside, they cost nothing."""
        self._active, self._marks = True, []
        self._mark(REST)
        try:
            yield
        finally:
            self._mark(REST)
            self._active, self._open = False, [REST]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the recording."""
        if not self._active:
            yield
            return
        self._open.append(name)
        self._mark(name)
        try:
            yield
        finally:
            self._open.pop()
            self._mark(self._open[-1])

    def watch(self, owner: Any, attribute: str | None, name: str) -> None:
        """Make every call of a function, or of a module, a part.

        Args:
            owner: Object whose function is replaced, or the module itself.
            attribute: Name of the function; None for the module ``owner``, compiled or not.
            name: Name of the part.
        """
        if attribute is None:
            compiled = isinstance(owner, nn.Module) and owner._compiled_call_impl is not None
            attribute = '_compiled_call_impl' if compiled else 'forward'
        setattr(owner, attribute, self._watched(getattr(owner, attribute), name))

    def seconds(self) -> dict[str, float]:
        """Seconds of every part of the last recording."""
        if self.on_gpu:
            torch.cuda.synchronize()
        totals: dict[str, float] = defaultdict(float)
        for (name, begin), (_, end) in zip(self._marks, self._marks[1:]):
            totals[name] += begin.elapsed_time(end) / 1000 if self.on_gpu else end - begin
        return dict(totals)

    def _mark(self, name: str) -> None:
        if not self.on_gpu:
            self._marks.append((name, time.perf_counter()))
            return
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self._marks.append((name, event))

    def _watched(self, function: Callable, name: str) -> Callable:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return call
