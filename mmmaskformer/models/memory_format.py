"""Memory format of convolutions: channels last, which changes results by rounding only."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

CHANNELS_LAST_BACKBONES = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'SwinTransformer')
NARROW = 16  # channels


def prefers_channels_last(backbone: nn.Module) -> bool:
    """Whether channels last is the faster format here: on CPUs, with backbones known to support it.

    Other backbones may call `view` on feature maps, which fails in this format.
    """
    return (
        not torch.cuda.is_available()
        and type(backbone).__name__ in CHANNELS_LAST_BACKBONES
        and not corrupts_memory(backbone)
    )


def use_channels_last(model: Any) -> None:
    """Store the weights of convolutions in channels-last format.

    The output of a convolution has the format of its weight, so images and features need no conversion.

    Warns:
        UserWarning: Training the model on this CPU corrupts memory.
    """
    if not torch.cuda.is_available() and corrupts_memory(model):
        warnings.warn(
            'channels_last=True: PyTorch corrupts memory when it trains this model on a CPU with AVX-512 in '
            f'channels last, because of strided 1x1 convolutions of fewer than {NARROW} channels. Leave '
            'channels_last out, or take more channels.',
            stacklevel=2,
        )
    model.to(memory_format=torch.channels_last)


def corrupts_memory(model: nn.Module) -> bool:
    """Whether PyTorch writes where it must not when it trains the model on this CPU in channels last.

    With AVX-512 the weight gradient of a strided 1x1 convolution of few channels is written beyond its end
    (seen with torch 2.11, ``MALLOC_CHECK_=3``); NCHW, one thread and AVX2 are safe.
    """
    return torch.backends.cpu.get_cpu_capability().startswith('AVX512') and any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and max(module.stride) > 1
        and module.in_channels < NARROW
        for module in model.modules()
    )
