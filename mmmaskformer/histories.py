"""MMEngine's histories of logged numbers, appended to in constant time.

Removable: without it, each step copies the 18 numbers that a MaskFormer logs together with all those before
them, which takes 3 ms a step after 100,000 steps and 16 ms after 500,000.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from mmengine.logging import HistoryBuffer

_ROOMS: WeakKeyDictionary[HistoryBuffer, _Room] = WeakKeyDictionary()


class _Room:
    """Twice the space of a history and its counts; what the history shows are views of its beginning."""

    def __init__(self, history: HistoryBuffer) -> None:
        shown = (history._log_history, history._count_history)
        length = len(shown[0])
        self.arrays = [np.empty(2 * length, numbers.dtype) for numbers in shown]  # untouched, so not resident
        for array, numbers in zip(self.arrays, shown):
            array[:length] = numbers
        self.show(history, length)

    def show(self, history: HistoryBuffer, length: int) -> None:
        self.views = tuple(array[:length] for array in self.arrays)
        history._log_history, history._count_history = self.views

    def takes(self, history: HistoryBuffer) -> bool:
        """Whether there is space, and the history still shows this room (a loaded one does not)."""
        numbers, counts = self.views
        same = history._log_history is numbers and history._count_history is counts
        return same and len(numbers) < min(len(self.arrays[0]), history.max_length)

    def append(self, history: HistoryBuffer, value: float, count: int) -> None:
        length = len(self.views[0])
        self.arrays[0][length], self.arrays[1][length] = value, count
        self.show(history, length + 1)


def append_in_place() -> None:
    """Let ``HistoryBuffer.update`` append without a copy; what it holds, returns and saves is the same."""
    if not hasattr(HistoryBuffer.update, 'copy_and_append'):
        HistoryBuffer.update = _updating(HistoryBuffer.update)


def _updating(copy_and_append: Callable) -> Callable:
    def update(self: HistoryBuffer, log_val: float, count: int = 1) -> None:
        """Append a value and its count, in place while there is room."""
        room = _ROOMS.get(self)
        if room and room.takes(self) and isinstance(log_val, int | float) and isinstance(count, int):
            room.append(self, log_val, count)
            return
        copy_and_append(self, log_val, count)  # as MMEngine does, with its errors and its limit of length
        keeps_type = self._log_history.dtype == np.float64  # whole numbers become floats with the next one
        if keeps_type and len(self._log_history) < self.max_length:
            _ROOMS[self] = _Room(self)

    update.copy_and_append = copy_and_append  # type: ignore[attr-defined]
    return update
