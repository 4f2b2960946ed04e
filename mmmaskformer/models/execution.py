"""How a model runs: less memory or less time, the same numbers. Nothing here renames a parameter."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from .layers import checkpointed

CHANNELS_LAST_BACKBONES = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'SwinTransformer')


def turn_on_checkpointing(backbone: nn.Module, head: nn.Module) -> None:
    """Gradient checkpointing of every part that knows ``with_cp``.

    Blocks of a backbone bring their own, which is of the reentrant kind that PyTorch has deprecated: it does
    without. Parts of ours are told to use theirs.

    Raises:
        ValueError: The backbone has no part that knows ``with_cp``.
    """
    blocks: list[Any] = [m for m in _knowing_checkpoints(backbone) if len(_knowing_checkpoints(m)) == 1]
    if not blocks:
        raise ValueError(
            f'with_cp=True: no block of the backbone {type(backbone).__name__} knows gradient checkpointing: '
            'leave it out, and set with_cp of decode_head.pixel_decoder and decode_head.transformer_decoder'
        )
    for block in blocks:
        block.with_cp = False
        block.forward = partial(checkpointed, block.forward, modules=[block])
    for part in _knowing_checkpoints(head):
        part.with_cp = True


def _knowing_checkpoints(module: nn.Module) -> list[Any]:
    return [m for m in module.modules() if hasattr(m, 'with_cp')]


def prefers_channels_last(backbone: nn.Module) -> bool:
    """Whether channels last is the faster format here: on CPUs, with backbones known to take it.

    A backbone may ask for a `view` of its maps that this format does not have.
    """
    return not torch.cuda.is_available() and type(backbone).__name__ in CHANNELS_LAST_BACKBONES


def use_channels_last(model: Any) -> None:
    """Give convolutions weights whose channels lie next to each other in memory.

    What meets such a weight comes out in its format, so images and features need no care.
    """
    model.to(memory_format=torch.channels_last)


def compile_parts(model: Any, options: dict[str, Any]) -> None:
    """``torch.compile`` of backbone and decoders; targets, matching and losses, whose sizes vary, stay out.

    Args:
        model: A segmentor.
        options: Of ``torch.compile``: ``backend``, ``dynamic``, ``mode`` ...
    """
    head = model.decode_head
    parts = [
        model.backbone,
        *(getattr(head, name, None) for name in ('pixel_decoder', 'transformer_decoder')),
    ]
    for part in parts:
        if part is not None:
            part.compile(**options)
