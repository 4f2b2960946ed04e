"""Memory and time of two GPUs that do not exist; the current one is ``cuda:0``, as in every new process."""

from __future__ import annotations

import time

import pytest
import torch

MIB = 2**20


class MachineOfGpus:
    """Replaces what ``torch.cuda`` reports of memory and of kernels still to finish."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.peak, self.busy_until = [0, 0], [0.0, 0.0]
        self.num_waits = 0
        replaced = dict(
            is_available=lambda: True,
            memory_allocated=lambda device=None: 0,
            max_memory_allocated=lambda device=None: self.peak[_index(device)],
            reset_peak_memory_stats=lambda device=None: self.peak.__setitem__(_index(device), 0),
            synchronize=self._synchronize,
        )
        for name, function in replaced.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def use(self, device: str, mib: int) -> None:
        """Allocate memory and free it."""
        self.peak[_index(device)] += mib * MIB

    def launch(self, device: str, seconds: float) -> None:
        """Let kernels run for so long; the host goes on at once."""
        self.busy_until[_index(device)] = time.perf_counter() + seconds

    def _synchronize(self, device: torch.device | None = None) -> None:
        self.num_waits += 1
        time.sleep(max(0.0, self.busy_until[_index(device)] - time.perf_counter()))


def _index(device: torch.device | str | None) -> int:
    return 0 if device is None else torch.device(device).index or 0
