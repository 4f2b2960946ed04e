"""Cost of a prediction: parameters, multiply-adds, time and memory."""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

MIB = 2**20
M_MMAP_THRESHOLD = -3
Task = Callable[[], object]


def count_parameters(model: nn.Module) -> int:
    """Number of parameters, including frozen ones and those used only in training."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(task: Task) -> int:
    """Multiply-adds of convolutions, matrix products and attention that the task computes.

    Half of the count of PyTorch, which counts a multiplication and an addition as two. Norms, activations,
    interpolation and custom operators are not counted, as in the paper's FLOPs.
    """
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_attention_on_cpu()) as counter:
        task()
    return counter.get_total_flops() // 2


def _attention_on_cpu() -> dict[Any, Callable[..., int]]:
    """A formula for an operator that PyTorch's counter (2.11) does not count."""
    operator = getattr(torch.ops.aten, '_scaled_dot_product_flash_attention_for_cpu', None)
    return {} if operator is None else {operator: _attention_flops}


def _attention_flops(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
    """Two matrix products for each head; arguments are shapes ``(B, heads, length, channels)``."""
    batch, heads, length, channels = query
    return 2 * batch * heads * length * key[2] * (channels + value[3])


def prediction(model: Any, shape: tuple[int, int]) -> Task:
    """Prediction of one image of noise, from the network's input to the results of ``test_cfg``.

    Args:
        model: A segmentor in evaluation mode.
        shape: Height and width of the input.
    """
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    image: Tensor = torch.randn(1, 3, *shape, generator=generator).to(device)

    def predict() -> object:
        with torch.no_grad():
            return model.predict(image.clone(), None)

    return predict


def median_milliseconds(
    tasks: Mapping[str, Task], repeats: int, device: torch.device, warm_up: int = 2
) -> dict[str, float]:
    """Median time of each task; tasks alternate, so that disturbances affect all of them.

    Args:
        tasks: What to run, by label.
        repeats: Timed rounds; every other one goes backwards.
        device: Where the tasks run: the time on a GPU includes all kernels that were launched.
        warm_up: Rounds before timing: page faults and kernel choice make the first ones slow.
    """
    times: dict[str, list[float]] = {label: [] for label in tasks}
    for i in range(warm_up + repeats):
        order = list(tasks.items())
        for label, task in order if i % 2 else reversed(order):
            seconds = _seconds(task, device)
            if i >= warm_up:
                times[label].append(1000 * seconds)
    return {label: statistics.median(values) for label, values in times.items()}


def peak_memory(task: Task, device: torch.device) -> float | None:
    """MiB that the task needs at its peak above the level before it: of the GPU, or of the process.

    Args:
        task: What to run.
        device: Where it runs. Only this GPU's memory counts, whichever GPU is the current one.

    Returns:
        None on the CPU of a system other than Linux, which does not report it.
    """
    gc.collect()
    if device.type == 'cuda':
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        task()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    try:
        libc = ctypes.CDLL('libc.so.6')
        libc.mallopt(M_MMAP_THRESHOLD, 64 * 1024)  # tensors come from and return to the system at once
        libc.malloc_trim(0)
        Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew from the present level
        before = _resident('VmRSS')
    except (OSError, AttributeError, StopIteration):
        return None
    task()
    peak = (_resident('VmHWM') - before) / MIB
    libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)  # where glibc's own, growing threshold ends: reuse is faster
    return peak


def _resident(field: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(field))
    return int(kilobytes) * 1024


def _seconds(task: Task, device: torch.device) -> float:
    _synchronize(device)
    start = time.perf_counter()
    task()
    _synchronize(device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
