"""Memory format of convolutions: channels last, which changes results by rounding only."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

CHANNELS_LAST_BACKBONES = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'SwinTransformer')


def prefers_channels_last(backbone: nn.Module) -> bool:
    """Whether channels last is the faster format here: on CPUs, with backbones known to support it.

    Other backbones may call `view` on feature maps, which fails in this format.
    """
    return not torch.cuda.is_available() and type(backbone).__name__ in CHANNELS_LAST_BACKBONES


def use_channels_last(model: Any) -> None:
    """Store the weights of convolutions in channels-last format.

    The output of a convolution has the format of its weight, so images and features need no conversion.
    """
    model.to(memory_format=torch.channels_last)
