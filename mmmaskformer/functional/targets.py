"""From label maps and maps of segment ids to :class:`Segments`, on the training device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..structures import Segments
from .devices import to_device
from .host_steps import InSteps, Steps, indices_of
from .matching import nearest_resize_masks

LARGEST_LABEL = 65535


def ignored_label(num_classes: int, setting: int | None = 255) -> int:
    """The label of pixels that belong to no class.

    Args:
        num_classes: Number of classes.
        setting: None and 255, the default of all settings, stand for 65535 where 255 is a class; other
            numbers stand for themselves.
    """
    default = 255 if num_classes <= 255 else LARGEST_LABEL
    return default if setting in (None, 255) else int(setting)


class UnknownLabelError(ValueError):
    """A label map has labels that are neither a class nor ignored.

    Attributes:
        labels: These labels, ascending.
        num_classes: Number of classes.
    """

    def __init__(self, labels: list[int], num_classes: int, ignore_index: int) -> None:
        self.labels, self.num_classes = labels, num_classes
        super().__init__(
            f'label {labels[0]} is neither a class (0 to {num_classes - 1}, num_classes={num_classes}) nor '
            f'ignored (ignore_index={ignore_index})'
        )

    def hint(self, reduced: bool | None) -> str:
        """What to change, for what these labels look like.

        Args:
            reduced: Whether the data set has ``reduce_zero_label``; None where that is not known.
        """
        if set(self.labels) <= {255, LARGEST_LABEL}:
            return (
                f'{self.labels[0]} usually stands for pixels of no class: leave ignore_index out in model, '
                'data set and metric, which ignore it then'
            )
        largest = max(label for label in self.labels if label not in (255, LARGEST_LABEL))
        if self.labels == [self.num_classes] and not reduced:
            return (
                'if 0 means "unlabeled" in the label maps, set reduce_zero_label=True in the data set; else '
                f'set num_classes={largest + 1}'
            )
        return (
            f'set num_classes to the number of classes, which is at least {largest + 1} by these labels, or '
            'renumber the label maps'
        )


@InSteps
def label_map_to_segments(
    label_map: Tensor, num_classes: int, ignore_index: int = 255, mark_valid: bool = False
) -> Steps[Segments]:
    """One segment for each class present (paper, section 3.1: semantic ground truth as masks).

    Args:
        label_map: ``(H, W)`` integer class of every pixel, or ``ignore_index``.
        num_classes: Number of classes.
        ignore_index: Label of pixels that belong to no segment.
        mark_valid: Also mark the pixels that are not ignored, to leave the others out of the losses.

    Raises:
        UnknownLabelError: A label is neither a class nor ignored.
    """
    labels = yield from present_labels.steps(label_map, num_classes, ignore_index)
    masks = label_map == labels.to(label_map.dtype)[:, None, None]
    return Segments(labels, masks, label_map != ignore_index if mark_valid else None)


@InSteps
def present_labels(label_map: Tensor, num_classes: int, ignore_index: int = 255) -> Steps[Tensor]:
    """Classes of a label map, ascending, ``(S,)`` int64.

    Raises:
        UnknownLabelError: A label is neither a class nor ignored.
    """
    labels = label_map.flatten().long()
    ignored = labels == ignore_index
    unknown = ((labels < 0) | (labels >= num_classes)) & ~ignored
    # two more rows than classes: one for ignored pixels, one for labels that are neither
    slots = labels.masked_fill(ignored, num_classes).masked_fill_(unknown, num_classes + 1)
    flags = torch.zeros(num_classes + 2, dtype=torch.bool, device=labels.device).index_fill_(0, slots, True)
    (flags,) = yield (flags,)
    if flags[-1]:
        check_labels(label_map, num_classes, ignore_index)
    return indices_of([flags[:num_classes]], labels.device)[0]


def check_labels(label_map: Tensor, num_classes: int, ignore_index: int = 255) -> None:
    """Refuse labels, of any shape, that mean nothing.

    Raises:
        UnknownLabelError: A label is neither a class nor ignored; the sentence names the smallest.
    """
    wrong = ((label_map < 0) | (label_map >= num_classes)) & (label_map != ignore_index)
    if wrong.any():
        raise UnknownLabelError(torch.unique(label_map[wrong]).tolist(), num_classes, ignore_index)


@InSteps
def id_map_to_segments(
    id_map: Tensor, segments_info: Sequence[dict], num_classes: int, mark_valid: bool = False
) -> Steps[Segments]:
    """One segment for each thing and stuff region that is present; crowds are left out.

    Args:
        id_map: ``(H, W)`` or, where segments overlap, ``(L, H, W)`` integer segment ids; 0 is void.
        segments_info: ``id`` and ``category_id`` (index of the class) of each segment, and ``iscrowd``.
        num_classes: Number of classes.
        mark_valid: Also mark the pixels of the segments, to leave the others out of the losses.

    Raises:
        ValueError: A segment's class is out of range.
    """
    wanted = [segment for segment in segments_info if not segment.get('iscrowd')]
    for segment in wanted:
        if not 0 <= segment['category_id'] < num_classes:
            raise ValueError(
                f'segment {segment["id"]} has class {segment["category_id"]}, which is none of the '
                f'{num_classes} classes (num_classes={num_classes})'
            )
    ids = torch.tensor([s['id'] for s in wanted], dtype=id_map.dtype)
    ids = to_device(ids, id_map.device)[:, None, None]
    labels = torch.tensor([s['category_id'] for s in wanted], dtype=torch.int64)
    first, *further_layers = id_map.reshape(-1, *id_map.shape[-2:])
    masks = first == ids
    for layer in further_layers:
        masks |= layer == ids
    (present,) = yield (masks.flatten(1).any(1),)
    labels = to_device(labels[present], id_map.device)
    if not present.all():
        masks = masks[indices_of([present], id_map.device)[0]]
    return Segments(labels, masks, masks.any(0) if mark_valid else None)


@InSteps
def segments_at(segments: Segments, size: tuple[int, int]) -> Steps[Segments]:
    """Segments nearest-downsampled to ``size``, without those of which no pixel is left (as deeplab2)."""
    masks = nearest_resize_masks(segments.masks, size)
    valid = None if segments.valid is None else nearest_resize_masks(segments.valid[None], size)[0]
    (left,) = yield (masks.flatten(1).any(1),)
    if left.all():
        return Segments(segments.labels, masks, valid)
    (kept,) = indices_of([left], masks.device)
    return Segments(segments.labels[kept], masks[kept], valid)
