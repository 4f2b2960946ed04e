"""Ground truth of MaX-DeepLab: segments and class of each pixel, on the grid of the masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..structures import Segments
from .targets import id_map_to_segments, label_map_to_segments


class SlotTargets(NamedTuple):
    """What an image's slots and pixels learn from, at the masks' resolution.

    Attributes:
        segments: Segments; valid are the pixels that have a class, also those of crowds.
        is_thing: ``(S,)`` bool; all of them where the data set does not tell.
        classes: ``(h, w)`` int64 class of each pixel; K where there is none.
    """

    segments: Segments
    is_thing: Tensor
    classes: Tensor


def targets_of_ids(
    id_map: Tensor, segments_info: Sequence[dict], num_classes: int, stride: int
) -> SlotTargets:
    """Targets from a map of segment ids, of which every ``stride``-th row and column counts, as in deeplab2.

    Crowds are not segments, but their pixels have a class.

    Args:
        id_map: ``(H, W)`` or ``(L, H, W)`` integer segment ids; 0 is void.
        segments_info: ``id``, ``category_id`` (index of the class), ``iscrowd`` and ``isthing`` of each.
        num_classes: Number of classes.
        stride: Distance of the grid's lines.

    Raises:
        ValueError: A segment's class is out of range.
    """
    on_grid = id_map[..., ::stride, ::stride]
    segments = id_map_to_segments(on_grid, segments_info, num_classes)
    with_crowds = [{**segment, 'iscrowd': False} for segment in segments_info]
    everything = id_map_to_segments(on_grid, with_crowds, num_classes)
    labels, masks = everything.labels, everything.masks
    valid = masks.any(0)
    classes = torch.full(valid.shape, num_classes, device=valid.device)
    if len(labels):
        classes = torch.where(valid, labels[masks.to(torch.uint8).argmax(0)], classes)
    things = {s['category_id'] for s in segments_info if s.get('isthing', True)}
    is_thing = torch.isin(segments.labels, segments.labels.new_tensor(sorted(things)))
    return SlotTargets(Segments(segments.labels, segments.masks, valid), is_thing, classes)


def targets_of_labels(label_map: Tensor, num_classes: int, ignore_index: int, stride: int) -> SlotTargets:
    """Targets from an ``(H, W)`` label map: one segment for each class.

    Raises:
        UnknownLabelError: A label is neither a class nor ignored.
    """
    on_grid = label_map[::stride, ::stride].long()
    segments = label_map_to_segments(on_grid, num_classes, ignore_index, mark_valid=True)
    classes = on_grid.masked_fill(on_grid == ignore_index, num_classes)
    return SlotTargets(segments, torch.ones_like(segments.labels, dtype=torch.bool), classes)
