"""What a process holds and spends, read from Linux' /proc, as rows of a table; and what the rows tell."""

from __future__ import annotations

import csv
import gc
import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import theilslopes

FIELDS = ('seconds', 'step', 'steps', 'cpu_ms', 'wall_ms', 'reference_ms', 'rss_mb', 'children_mb')
FIELDS += ('children', 'threads', 'files', 'log_files', 'tensors')
TENSORS_EVERY = 10  # looking at every object takes some tenths of a second


class ProcessWatch:
    """Samples this process into a CSV file: `start` before the steps to be timed, `sample` after them.

    Columns: ``seconds`` since the beginning; ``step``, the last one; ``steps`` since the last sample, and
    their mean ``cpu_ms`` and ``wall_ms``; ``reference_ms``, the CPU time of a fixed piece of work, which
    tells when the machine itself was slower; resident memory of this process and of its children in MB;
    their number, zombies included; ``threads``; open ``files`` and, of them, ``log_files`` of loggers;
    living ``tensors`` (every tenth sample, else empty).
    """

    def __init__(self, path: Path) -> None:
        self.file = path.open('w', newline='')
        self.table = csv.DictWriter(self.file, FIELDS)
        self.table.writeheader()
        self.begin = time.monotonic()
        self.spent, self.since = np.zeros(2), None
        self.last_step = self.rows = 0
        self.matrix = torch.rand(192, 192)

    def __enter__(self) -> ProcessWatch:
        return self

    def __exit__(self, *error: Any) -> None:
        self.file.close()

    def start(self) -> None:
        """Time runs from here."""
        self.since = now()

    def pause(self) -> None:
        """What comes is not timed, until `start`."""
        if self.since is not None:
            self.spent += now() - self.since
        self.since = None

    def sample(self, step: int, last: bool = False) -> None:
        """Write a row; time runs on from here, but for what the sampling takes."""
        self.pause()
        steps = step - self.last_step
        cpu, wall = 1000 * self.spent / max(steps, 1)
        if last:
            gc.collect()
        count = last or self.rows % TENSORS_EVERY == 0
        children = child_processes()
        row = dict(
            seconds=round(time.monotonic() - self.begin, 1),
            step=step, steps=steps, cpu_ms=round(cpu, 3), wall_ms=round(wall, 3),
            reference_ms=round(self.reference(), 3),
            rss_mb=resident_mb('self'), children_mb=round(sum(map(resident_mb, children)), 2),
            children=len(children), threads=len(os.listdir('/proc/self/task')),
            files=len(os.listdir('/proc/self/fd')) - 1, log_files=open_log_files(),
            tensors=living_tensors() if count else '',
        )  # fmt: skip
        self.table.writerow(row)
        self.file.flush()
        self.spent[:], self.last_step, self.rows = 0, step, self.rows + 1
        self.start()

    def reference(self) -> float:
        """CPU milliseconds of some products of matrices."""
        begin = time.process_time()
        for _ in range(10):
            self.matrix @ self.matrix
        return 1000 * (time.process_time() - begin)


def now() -> np.ndarray:
    """CPU and wall seconds."""
    return np.array([time.process_time(), time.monotonic()])


def child_processes() -> list[str]:
    """Process ids of the children of this process."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            stat = Path('/proc', pid, 'stat').read_text()
        except OSError:  # ended meanwhile
            continue
        if int(stat.rpartition(')')[2].split()[1]) == os.getpid():
            found.append(pid)
    return found


def resident_mb(pid: str) -> float:
    """Resident memory; 0 for a process that has ended."""
    try:
        pages = int(Path('/proc', pid, 'statm').read_text().split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf('SC_PAGE_SIZE') / 2**20, 3)


def open_log_files() -> int:
    """Files that MMEngine's loggers keep open: one for each runner of the process, until its end."""
    from mmengine.logging import MMLogger

    loggers = MMLogger._instance_dict.values()
    return sum(isinstance(h, logging.FileHandler) for logger in loggers for h in logger.handlers)


def living_tensors() -> int:
    """Tensors that Python knows of."""
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def read_samples(path: Path) -> dict[str, np.ndarray]:
    """Column -> values ``(samples,)``, NaN where a cell is empty."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or 'nan') for row in rows]) for name in FIELDS}


def slope(samples: dict[str, np.ndarray], column: str, warm_up: float = 0.2) -> float:
    """Growth per 1000 steps after the warm-up: the median of the slopes between any two samples."""
    step, values = samples['step'], samples[column]
    keep = (np.arange(len(step)) >= warm_up * len(step)) & ~np.isnan(values)
    every = max(1, keep.sum() // 1000)
    return float(1000 * theilslopes(values[keep][::every], step[keep][::every])[0])


def last_over_first(samples: dict[str, np.ndarray], column: str) -> float:
    """The median of the last third of the samples over that of the first, whose first tenth is warm-up."""
    values = samples[column]
    third = len(values) // 3
    return float(np.median(values[-third:]) / np.median(values[len(values) // 10 : third + 1]))
