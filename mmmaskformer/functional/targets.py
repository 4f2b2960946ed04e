"""Ground truth maps -> :class:`Segments`, on the training device."""

from __future__ import annotations

import torch
from torch import Tensor

from ..structures import Segments


def label_map_to_segments(
    label_map: Tensor, num_classes: int, ignore_index: int = 255, mark_valid: bool = False
) -> Segments:
    """One segment for each class present (paper, section 3.1: semantic ground truth as masks).

    Args:
        label_map: ``(H, W)`` integer class of every pixel, or ``ignore_index``.
        num_classes: Number of classes.
        ignore_index: Label of pixels that belong to no segment.
        mark_valid: Also mark the pixels that are not ignored, to leave the others out of the losses.

    Raises:
        ValueError: A label is neither a class nor ignored.
    """
    present = torch.unique(label_map)
    labels = present[present != ignore_index]
    if len(labels) and not 0 <= labels.amin() <= labels.amax() < num_classes:
        wrong = [label for label in labels.tolist() if not 0 <= label < num_classes]
        raise ValueError(
            f'label {wrong[0]} is neither a class (0 to {num_classes - 1}, num_classes={num_classes}) nor '
            f'ignored (ignore_index={ignore_index})'
        )
    masks = label_map == labels[:, None, None]
    return Segments(labels.long(), masks, label_map != ignore_index if mark_valid else None)
