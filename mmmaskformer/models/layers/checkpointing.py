"""Gradient checkpointing: results of a block are computed again in the backward pass, not kept for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ...functional.fast_paths import is_compiling


def checkpointed(function: Callable, *inputs: Any, modules: Sequence[nn.Module], with_cp: bool = True) -> Any:
    """``function(*inputs)``, of which the inputs alone are kept for the backward pass.

    Values and gradients stay as they are: the second pass has the random numbers (dropout) and the autocast
    of the first, and batch norms do not count a batch twice.

    Args:
        function: What is computed twice.
        *inputs: Its arguments.
        modules: The modules it uses.
        with_cp: False just calls the function.
    """
    if not (with_cp and torch.is_grad_enabled()):
        return function(*inputs)
    norms = [m for module in modules for m in module.modules() if _has_statistics(m)]
    if not norms or is_compiling():
        if isinstance(function, nn.Module):
            function = function.__call__  # the compiler of PyTorch 2.1 fails at a module
        return checkpoint(function, *inputs, use_reentrant=False)
    contexts = (nullcontext(), _kept_statistics(norms))
    return checkpoint(function, *inputs, use_reentrant=False, context_fn=lambda: contexts)


def turn_on_checkpointing(backbone: nn.Module, head: nn.Module) -> None:
    """Switch on gradient checkpointing of every module that has a ``with_cp`` setting.

    Blocks of backbones have their own checkpointing, of the reentrant kind that PyTorch has deprecated: it is
    replaced by :func:`checkpointed`. For modules of this package ``with_cp`` is set.

    Raises:
        ValueError: The backbone has no module with a ``with_cp`` setting.
    """
    blocks: list[Any] = [m for m in _checkpointable(backbone) if len(_checkpointable(m)) == 1]
    if not blocks:
        raise ValueError(
            f'with_cp=True: no block of the backbone {type(backbone).__name__} supports gradient '
            'checkpointing: leave it out, and set with_cp of decode_head.pixel_decoder and '
            'decode_head.transformer_decoder'
        )
    for block in blocks:
        block.with_cp = False
        block.forward = partial(checkpointed, block.forward, modules=[block])
    for part in _checkpointable(head):
        part.with_cp = True


def _checkpointable(module: nn.Module) -> list[Any]:
    return [m for m in module.modules() if hasattr(m, 'with_cp')]


def _has_statistics(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.modules.batchnorm._NormBase) and module.training and module.track_running_stats
    )


@contextmanager
def _kept_statistics(norms: Sequence[nn.Module]) -> Iterator[None]:
    """Let batch norms write their running statistics into copies that are thrown away."""
    buffers = [(norm, name, buffer) for norm in norms for name, buffer in norm.named_buffers(recurse=False)]
    try:
        for norm, name, buffer in buffers:
            setattr(norm, name, buffer.clone())
        yield
    finally:
        for norm, name, buffer in buffers:
            setattr(norm, name, buffer)
