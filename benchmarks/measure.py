"""Time and memory, measured in pairs: this and that alternate, so that what disturbs one disturbs both."""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

MIB = 2**20
M_MMAP_THRESHOLD = -3


def paired_seconds(
    tasks: Mapping[str, Callable[[], object]],
    repeats: int,
    device: torch.device,
    warm_up: int = 2,
    pause: float = 0.0,
) -> dict:
    """Median seconds of each task, and the median of the ratios of the pairs (first task / each).

    Args:
        tasks: What to run, by label; the first is compared with the others.
        repeats: Timed rounds.
        device: Where the tasks run.
        warm_up: Rounds before timing: page faults and kernel choice make the first ones slow.
        pause: Seconds of rest before each task, for tasks whose libraries have threads of their own: those of
            one go on spinning for a while, and slow the other down.
    """
    rounds = []
    for i in range(warm_up + repeats):
        order = list(tasks.items())
        times = {}
        for label, task in order if i % 2 else reversed(order):
            time.sleep(pause)
            times[label] = seconds_of(task, device)
        if i >= warm_up:
            rounds.append(times)
    first = next(iter(tasks))
    return {
        label: dict(
            seconds=statistics.median(times[label] for times in rounds),
            ratio=statistics.median(times[first] / times[label] for times in rounds),
        )
        for label in tasks
    }


def peak_memory(task: Callable[[], object], device: torch.device) -> float:
    """MiB that the task needs at its peak above the level before it, gradients and results included."""
    gc.collect()
    if device.type == 'cuda':
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        task()
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    libc = ctypes.CDLL('libc.so.6')
    libc.mallopt(M_MMAP_THRESHOLD, 64 * 1024)  # tensors come from and return to the system at once
    libc.malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew from the present level
    before = _resident('VmRSS')
    task()
    peak = (_resident('VmHWM') - before) / MIB
    libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)  # where glibc's own, growing threshold ends: reuse is faster
    return peak


def seconds_of(task: Callable[[], object], device: torch.device) -> float:
    """Wall-clock seconds of the task, the device's work included."""
    _synchronize(device)
    start = time.perf_counter()
    task()
    _synchronize(device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def _resident(field: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(field))
    return int(kilobytes) * 1024


def compare(
    work: str,
    case: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    repeats: int,
    device: torch.device,
) -> dict:
    """One line of a table: seconds, peak MiB, and the ratios ours / peer, of doing the same work."""
    tasks = {'ours': ours, 'peer': peer}
    for _ in range(2):  # the first time, what stays is made; timing would leave holes in the heap
        memory = {label: peak_memory(task, device) for label, task in tasks.items()}
    seconds = paired_seconds(tasks, repeats, device)
    row = dict(
        work=work,
        case=case,
        ours_seconds=seconds['ours']['seconds'],
        peer_seconds=seconds['peer']['seconds'],
        time_ratio=seconds['peer']['ratio'],
        ours_mib=memory['ours'],
        peer_mib=memory['peer'],
        memory_ratio=memory['ours'] / max(memory['peer'], 0.1),
    )
    print(table([row]).splitlines()[-1], flush=True)
    return row


def table(rows: Sequence[Mapping]) -> str:
    """Rows of :func:`compare` as Markdown."""
    lines = [
        '| work | case | ours, s | peer, s | time ratio | ours, MiB | peer, MiB | memory ratio |',
        '|-|-|-|-|-|-|-|-|',
    ]
    for row in rows:
        seconds = f'{row["ours_seconds"]:.3f} | {row["peer_seconds"]:.3f} | {row["time_ratio"]:.2f}'
        memory = f'{row["ours_mib"]:.0f} | {row["peer_mib"]:.0f} | {row["memory_ratio"]:.2f}'
        lines.append(f'| {row["work"]} | {row["case"]} | {seconds} | {memory} |')
    return '\n'.join(lines)
