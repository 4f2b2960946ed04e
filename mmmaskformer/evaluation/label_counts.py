"""Counts of `IoUMetric` that are right for one class, and for more than 255.

mmseg counts labels by ``torch.histc(bins=K, min=0, max=K - 1)``. With one class both ends are 0, which stands
for the range of the data in `histc`: every pixel counts, whatever its label. And its ignored label of 255 is
a class where there are more than 255. Other counts are left to mmseg.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmseg.evaluation import IoUMetric
from torch import Tensor

from ..functional.targets import ignored_label


def correct_counts() -> None:
    """Replace ``IoUMetric.intersect_and_union``, which `ClassIoU` uses too."""
    if not hasattr(IoUMetric.intersect_and_union, 'of_mmseg'):
        IoUMetric.intersect_and_union = staticmethod(_counting(IoUMetric.intersect_and_union))


def _counting(of_mmseg: Callable) -> Callable:
    def intersect_and_union(pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> Any:
        """Pixels of intersection, union, prediction and ground truth, ``(K,)`` each."""
        ignored = ignored_label(num_classes, ignore_index)
        if num_classes > 1:
            return of_mmseg(pred_label, label, num_classes, ignored)
        counted = label != ignored
        predicted, annotated = (pred_label == 0) & counted, (label == 0) & counted
        areas = predicted & annotated, predicted | annotated, predicted, annotated
        return tuple(area.sum().float().cpu()[None] for area in areas)

    intersect_and_union.of_mmseg = of_mmseg  # type: ignore[attr-defined]
    return intersect_and_union
