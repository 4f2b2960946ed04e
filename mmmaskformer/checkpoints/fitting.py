"""Whether the tensors of a checkpoint are those of a model, and in which words they are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

# Counters that frozen norms have no use for, and indices that follow from the window's size.
IMPLIED = r'.*\.(num_batches_tracked|relative_position_index)$'
# A classifier's backbone has a norm after its last stage alone, and a model of ours after each.
NORMS = r'(backbone\.)?norm\d\.(weight|bias)$'
# What a shape tells, where a setting decides it: pattern of our name, setting.
SETTINGS = [
    (r'decode_head\.(class_embed|classifier)\.', 'decode_head.num_classes'),
    (r'decode_head\.transformer_decoder\.query_embed\.', 'decode_head.num_queries'),
    (r'.*\.relative_position_(bias_table|index)$', 'backbone.window_size or the number of heads'),
    (r'decode_head\.(pixel_decoder|transformer_decoder)\.layers\.\d+\.ffn\.', 'ffn_channels'),
    (r'decode_head\.(pixel_decoder\.mask_features|mask_embed\.4)\.', 'pixel_decoder.mask_channels'),
    (r'backbone\.(conv1|stem\.\d)\.', 'backbone.stem_channels'),
]


def class_tensors(segmentor: Any) -> list[str]:
    """Names of the tensors with a row for each class, which the decode head checks in its words.

    Those with a row for each query are among them where their number may differ.
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
    """See that a checkpoint holds every tensor of a model, at its shape, and no other.

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
    theirs = foreign_name(name)
    return repr(name) if theirs == name else f'{theirs!r} ({name!r} here)'


def _shape_fault(name: str, theirs: Tensor, ours: Tensor, foreign_name: Callable[[str], str]) -> str:
    shapes = f'{tuple(theirs.shape)}, but {tuple(ours.shape)} in the model'
    fault = f'{_both(name, foreign_name)} has the shape {shapes}'
    setting = next((setting for pattern, setting in SETTINGS if re.match(pattern, name)), None)
    return f'{fault} (look at {setting})' if setting else fault
