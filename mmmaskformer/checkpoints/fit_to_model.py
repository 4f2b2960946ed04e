"""Fit a checkpoint to a model: adapt the number of input channels, and check every name and shape."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

NUM_COLORS = 3
# Counters that frozen norms do not use, and indices that follow from the window size.
IMPLIED = r'.*\.(num_batches_tracked|relative_position_index)$'
# The backbone of a classifier has a norm after its last stage only, a segmentor's after every stage.
NORMS = r'(backbone\.)?norm\d\.(weight|bias)$'
# Settings that decide a shape: pattern of the tensor name, setting.
SETTINGS = [
    (r'decode_head\.(class_embed|classifier)\.', 'decode_head.num_classes'),
    (r'decode_head\.(transformer_decoder\.)?query_embed\.', 'decode_head.num_queries'),
    (r'decode_head\.attn_mask_probs$', 'num_query_blocks of backbone and decode_head'),
    (r'decode_head\.upscale\.', 'decode_head.in_channels'),
    (r'backbone\.register_tokens$', 'backbone.num_registers'),
    (r'backbone\.memory$', 'backbone.stored_slots or memory_channels'),
    (r'.*\.relative_position_(bias_table|index)$', 'backbone.window_size or the number of heads'),
    (r'decode_head\.(pixel_decoder|transformer_decoder)\.layers\.\d+\.ffn\.', 'ffn_channels'),
    (r'decode_head\.(pixel_decoder\.mask_features|mask_embed\.4)\.', 'pixel_decoder.mask_channels'),
    (r'backbone\.(conv1|stem\.\d)\.', 'backbone.stem_channels'),
]


def class_tensors(segmentor: Any) -> list[str]:
    """Names of the tensors with a row for each class, whose number the decode head checks.

    With ``allow_class_mismatch``, those with a row for each query are included.
    """
    head = segmentor.decode_head
    queries = getattr(head, 'query_rows', ()) if getattr(head, 'allow_class_mismatch', False) else ()
    return [f'decode_head.{name}' for name in (*getattr(head, 'class_rows', ()), *queries)]


def check_fit(
    state: Mapping[str, Tensor],
    model: nn.Module,
    source: str | Path,
    whole: bool = True,
    foreign_name: Callable[[str], str] = str,
    class_rows: Collection[str] = (),
) -> None:
    """Check that a checkpoint holds exactly the tensors of a model, with their shapes.

    Args:
        state: The checkpoint, under our names.
        model: The model.
        source: Where the checkpoint comes from.
        whole: Whether norms after the stages of the backbone must be there.
        foreign_name: What one of our tensors is called in the checkpoint.
        class_rows: Names of tensors whose first dimension is not looked at.

    Raises:
        ValueError: Names each tensor that is missing, left over or of another shape.
    """
    own = model.state_dict()
    faults = [f'it holds {foreign_name(name)!r}, which the model lacks' for name in state if name not in own]
    optional = IMPLIED if whole else f'{IMPLIED}|{NORMS}'
    for name, tensor in own.items():
        skip = 1 if name in class_rows else 0
        if name in state and state[name].shape[skip:] != tensor.shape[skip:]:
            faults.append(_shape_fault(name, state[name], tensor, foreign_name))
        elif name not in state and not re.match(optional, name):
            faults.append(f'it lacks {_both(name, foreign_name)}, shape {tuple(tensor.shape)}')
    if faults:
        more = [f'and {len(faults) - 5} more'] if len(faults) > 5 else []
        raise ValueError(f'{source} does not fit the model of the config: {"; ".join([*faults[:5], *more])}')


def _both(name: str, foreign_name: Callable[[str], str]) -> str:
    original = foreign_name(name)
    return repr(name) if original == name else f'{original!r} ({name!r} in this package)'


def _shape_fault(name: str, loaded: Tensor, expected: Tensor, foreign_name: Callable[[str], str]) -> str:
    shapes = f'{tuple(loaded.shape)}, but {tuple(expected.shape)} in the model'
    fault = f'{_both(name, foreign_name)} has the shape {shapes}'
    setting = next((setting for pattern, setting in SETTINGS if re.match(pattern, name)), None)
    return f'{fault} (set by {setting})' if setting else fault


def stem_of(backbone: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """Name and module of the convolution that takes the image: the first one of the backbone."""
    convolutions = ((name, part) for name, part in backbone.named_modules() if isinstance(part, nn.Conv2d))
    return next(((name, part) for name, part in convolutions if part.groups == 1), None)


def channels_of(model: nn.Module) -> int | None:
    """Channels of the images that a segmentor takes; None if unknown.

    The length of the data preprocessor's ``mean``; a single mean fits any number of channels, and the
    backbone's number is returned.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    mean = getattr(preprocessor, 'mean', None)
    if isinstance(mean, Tensor) and mean.numel() > 1:
        return mean.numel()
    backbone: Any = getattr(model, 'backbone', None)
    stem = None if backbone is None else stem_of(backbone)
    return stem and stem[1].in_channels


def adapt_stem_weight(weight: Tensor, channels: int) -> Tensor:
    """Convert the weights of a three-channel stem to another number of channels.

    With more than three, the first three keep their weights and every other channel has the mean of the
    three; with one or two, all have the mean. All are scaled by 3 / ``channels``, so that an image with equal
    channels gives the output of a gray image.

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
    """Let a backbone with another number of channels load three-channel weights, with a warning."""
    stem = stem_of(backbone)
    if stem is not None and stem[1].in_channels != NUM_COLORS:
        stem[1]._register_load_state_dict_pre_hook(_adapt, with_module=True)


def adapt_stem(state: dict[str, Tensor], backbone: nn.Module, prefix: str = '') -> None:
    """Adapt the stem's weight in a state dict, where it has three channels and the backbone others."""
    stem = stem_of(backbone)
    if stem is not None:
        _adapt(stem[1], state, f'{prefix}{stem[0]}.')


def adapt_grid(state: dict[str, Tensor], backbone: Any, prefix: str = '') -> None:
    """Fit positions and patches in a state dict to a vision transformer that can do so, in place."""
    if hasattr(backbone, 'adapt_state'):
        backbone.adapt_state(state, prefix)


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
