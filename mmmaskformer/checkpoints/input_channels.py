"""Channels of the images that a model takes, and weights of three channels in models with others."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

NUM_COLORS = 3


def stem_of(backbone: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """Name and module of the convolution that sees the image: the first one of the backbone."""
    convolutions = ((name, part) for name, part in backbone.named_modules() if isinstance(part, nn.Conv2d))
    return next(((name, part) for name, part in convolutions if part.groups == 1), None)


def channels_of(model: nn.Module) -> int | None:
    """Channels of the images that a segmentor takes; None where that cannot be seen.

    Those of ``mean`` of the data preprocessor; a single mean serves any number of channels, which then is
    that of the backbone.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    mean = getattr(preprocessor, 'mean', None)
    if isinstance(mean, Tensor) and mean.numel() > 1:
        return mean.numel()
    backbone: Any = getattr(model, 'backbone', None)
    stem = None if backbone is None else stem_of(backbone)
    return stem and stem[1].in_channels


def adapt_stem_weight(weight: Tensor, channels: int) -> Tensor:
    """Weights of a stem for red, green and blue in one for another number of channels.

    Of more channels, the first three keep their weights and each other one has the mean of the three; of one
    or two, each has the mean. All are scaled by 3 / ``channels``, so that an image with equal channels gives
    what it gave in grey.

    Args:
        weight: ``(O, 3, h, w)``.
        channels: Channels of the model.

    Returns:
        ``(O, channels, h, w)``.
    """
    kept = weight if channels > NUM_COLORS else weight[:, :0]
    mean = weight.mean(1, keepdim=True).expand(-1, channels - kept.shape[1], -1, -1)
    return torch.cat([kept, mean], dim=1) * (NUM_COLORS / channels)


def accept_three_channels(backbone: nn.Module) -> None:
    """Let a backbone with other than three channels load weights for three; that is logged."""
    stem = stem_of(backbone)
    if stem is not None and stem[1].in_channels != NUM_COLORS:
        stem[1]._register_load_state_dict_pre_hook(_adapt, with_module=True)


def adapt_stem(state: dict[str, Tensor], backbone: nn.Module, prefix: str = '') -> None:
    """Adapt the stem's weight in a state dict, where it has three channels and the backbone others."""
    stem = stem_of(backbone)
    if stem is not None:
        _adapt(stem[1], state, f'{prefix}{stem[0]}.')


def _adapt(convolution: nn.Module, state: dict, prefix: str, *_: Any) -> None:
    name, channels = f'{prefix}weight', int(convolution.in_channels)  # type: ignore[arg-type]
    weight = state.get(name)
    if weight is None or weight.ndim != 4 or weight.shape[1] != NUM_COLORS or channels == NUM_COLORS:
        return
    state[name] = adapt_stem_weight(weight, channels)
    print_log(
        f'{name} of the checkpoint has 3 channels and the model {channels}: the first three keep their '
        'weights, others have the mean of the three, all scaled by 3 / channels. Train the model before use.',
        'current',
        logging.WARNING,
    )
