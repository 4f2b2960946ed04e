"""Counts what a GPU would be asked for, on a CPU: operators, and how often the host would wait.

Tensors of the pretended device carry a tag that all results of them inherit; what leaves the device through
``cpu()`` loses it. Waits are counted by the names of functions that read values of a tagged tensor, so the
count is a lower bound; operators include those of the host, and views and new memory are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmmaskformer.functional import devices

READING = {
    *('item', 'tolist', 'cpu', 'numpy', '__bool__', '__float__', '__int__', '__index__', '__array__'),
    *(
        'nonzero',
        'argwhere',
        'unique',
        'unique_consecutive',
        'bincount',
        'masked_select',
        'equal',
        'allclose',
    ),
}
MEMORY = ('empty', 'new_empty', 'detach', 'alias', 'lift_fresh', 'unsafe_view')


class OnGpu(torch.Tensor):
    """A tensor with the tag."""

    waits: Counter[str] = Counter()

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = getattr(func, '__name__', str(func))
        masked = name == '__getitem__' and any(
            isinstance(index, torch.Tensor) and index.dtype == torch.bool
            for index in (args[1] if isinstance(args[1], tuple) else (args[1],))
        )
        if name in READING or masked or (name == 'where' and len(args) == 1):
            cls.waits['boolean index' if masked else name] += 1
        if name == 'cpu':
            return args[0].as_subclass(torch.Tensor).clone()
        return super().__torch_function__(func, types, args, kwargs or {})


class Operators(TorchDispatchMode):
    """How often each operator ran, and the operators with a value of 64 bits of precision."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.doubles: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        view = any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)
        name = func.name().removeprefix('aten::')
        if not view and not name.lstrip('_').startswith(MEMORY):
            self.counts[name] += 1
        values = [value for value in tree_leaves((args, kwargs, out)) if isinstance(value, torch.Tensor)]
        if any(value.dtype == torch.float64 for value in values):
            self.doubles.add(name)
        return out


@contextmanager
def counted() -> Iterator[tuple[Operators, Counter[str]]]:
    """Operators and waits of what runs inside, with the choices of code that are made for GPUs."""
    OnGpu.waits = Counter()
    with pytest.MonkeyPatch.context() as patch, Operators() as operators:
        patch.setattr(devices, 'SMALL_PIECES', set())
        yield operators, OnGpu.waits


def tagged(batch: dict) -> dict:
    """A batch whose images and ground truth are on the pretended device."""
    for sample in batch['data_samples']:
        for name in ('gt_sem_seg', 'gt_panoptic_seg'):
            if name in sample:
                sample.get(name).data = sample.get(name).data.as_subclass(OnGpu)
    return dict(batch, inputs=[image.as_subclass(OnGpu) for image in batch['inputs']])
