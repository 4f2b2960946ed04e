"""Memory format of convolutions: channels last, which changes results by rounding only."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

CHANNELS_LAST_BACKBONES = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'SwinTransformer')


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
