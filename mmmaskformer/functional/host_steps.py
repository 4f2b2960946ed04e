"""Functions that need numbers on the host, written so that the waits of many calls become one.

Reading a number that a GPU computes waits for all work that is queued there. A function in steps is a
generator: it yields the tensors that it needs on the host and gets their copies back. :func:`together` runs
many calls side by side and copies what all of them ask for in one transfer, so the number of waits does not
grow with the number of images or of results. On a CPU nothing is copied.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import torch
from torch import Tensor

from .devices import small_pieces, to_device

P = ParamSpec('P')
T = TypeVar('T')
Steps = Generator[tuple[Tensor, ...], tuple[Tensor, ...], T]


class InSteps(Generic[P, T]):
    """Decorator: a function of its own, and its steps for :func:`together`.

    Args:
        steps: The generator function.

    Example:
        >>> @InSteps
        ... def positions(flags):
        ...     (on_host,) = yield (flags,)
        ...     return on_host.nonzero().flatten().tolist()
        >>> positions(torch.tensor([True, False, True]))
        [0, 2]
        >>> together([positions.steps(torch.tensor(flags)) for flags in ([True], [False, True])])
        [[0], [1]]
    """

    def __init__(self, steps: Callable[P, Steps[T]]):
        functools.update_wrapper(self, steps)
        self.steps = steps

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of one call."""
        return together([self.steps(*args, **kwargs)])[0]


def steps_of(function: Callable) -> Callable[..., Steps]:
    """The steps of a function, of one with some arguments set, or of one that reads numbers by itself."""
    if isinstance(function, InSteps):
        return function.steps
    if isinstance(function, functools.partial):
        return functools.partial(steps_of(function.func), *function.args, **function.keywords)

    def at_once(*args: Any, **kwargs: Any) -> Steps:
        yield ()
        return function(*args, **kwargs)

    return at_once


def together(calls: Sequence[Steps]) -> list:
    """Results of calls that run side by side, with one transfer to the host for each step."""
    results: list = [None] * len(calls)
    replies: dict[int, Any] = dict.fromkeys(range(len(calls)))
    while replies:
        requests = {}
        for index, reply in replies.items():
            try:
                requests[index] = calls[index].send(reply)
            except StopIteration as end:
                results[index] = end.value
        copies = iter(to_host([tensor for wanted in requests.values() for tensor in wanted]))
        replies = {index: tuple(next(copies) for _ in wanted) for index, wanted in requests.items()}
    return results


def to_host(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of float32, bool or integers below 2**31 on the host, in one transfer."""
    if all(small_pieces(tensor.device) for tensor in tensors):
        return list(tensors)
    packed = torch.cat([_as_int32(tensor).flatten() for tensor in tensors]).cpu()
    parts = packed.split([tensor.numel() for tensor in tensors])
    return [_restored(part, tensor) for part, tensor in zip(parts, tensors)]


def _as_int32(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.int32) if tensor.dtype == torch.float32 else tensor.int()


def _restored(part: Tensor, like: Tensor) -> Tensor:
    values = part.view(torch.float32) if like.dtype == torch.float32 else part.to(like.dtype)
    return values.view(like.shape)


def indices_of(flags: Iterable[Tensor], device: torch.device) -> list[Tensor]:
    """Where each of some flags of the host is set, as indices ``(N,)`` int64 on a device, in one transfer."""
    found = [row.nonzero().flatten() for row in flags]
    indices = to_device(torch.cat(found), device)
    return list(indices.split([len(row) for row in found]))
