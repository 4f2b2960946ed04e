"""mIoU that also returns the IoU of every class, and pixel counts for any number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmseg.evaluation import IoUMetric
from torch import Tensor

from ..functional.devices import count_values
from ..functional.targets import ignored_label
from ..registry import METRICS
from .per_image_metric import EachImageOnce, image_key

CLASS_PREFIX = 'IoU.'
NO_LABEL = -1


@METRICS.register_module()
class ClassIoU(EachImageOnce, IoUMetric):
    """mmseg's `IoUMetric` with ``IoU.<class>`` of every class among the results, in percent.

    Pixels are counted in whole numbers and each image once, for any distribution of images to processes.
    mmseg's metric sums in float32, and needs the split of MMEngine's `DefaultSampler`.

    Args:
        *args: As `IoUMetric`.
        void_as_background: Count predictions on unlabeled pixels as false. By default these pixels are
            ignored, so that a single class predicted everywhere has an IoU of 100.
        **kwargs: As `IoUMetric`.
    """

    def __init__(self, *args: Any, void_as_background: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.void_as_background = void_as_background
        if void_as_background:
            self.ignore_index = NO_LABEL

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """See `IoUMetric`.

        Raises:
            ValueError: A sample has neither ``img_id`` nor ``img_path``.
        """
        for sample in data_samples:
            super().process(data_batch, [sample])
            counts = None if self.format_only else torch.stack(self.results.pop()).long()
            self.results.append((image_key(sample), counts))

    def combine(self, results: list[Tensor | None]) -> list[tuple[Tensor, ...]]:
        """Intersection, union, predicted and true pixels of every class, over the images of all processes."""
        total = torch.zeros(4, len(self.dataset_meta['classes']), dtype=torch.int64)
        total += sum(counts for counts in results if counts is not None)
        all_reduce(total)
        return [total.double().unbind()]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """See `IoUMetric`; a class that occurs neither in ground truth nor in predictions has nan."""
        if self.format_only:
            return super().compute_metrics(results)
        intersection, union = (sum(parts).double().numpy() for parts in list(zip(*results))[:2])
        with np.errstate(invalid='ignore'):
            values = 100 * intersection / union
        names = (f'{CLASS_PREFIX}{name}' for name in self.dataset_meta['classes'])
        return {**super().compute_metrics(results), **dict(zip(names, values.tolist()))}


def correct_counts() -> None:
    """Replace ``IoUMetric.intersect_and_union`` by counts that are right for any number of classes.

    mmseg counts labels by ``torch.histc(bins=K, min=0, max=K - 1)``. With one class both limits are 0, for
    which `histc` takes the range of the data, so every pixel counts, whatever its label. mmseg's ignored
    label of 255 is a class where there are more than 255. And `histc` of a GPU has no deterministic form, so
    that a run with ``randomness.deterministic=True`` failed in its first validation.
    """
    IoUMetric.intersect_and_union = staticmethod(intersect_and_union)


def intersect_and_union(
    pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
) -> tuple[Tensor, ...]:
    """Pixels of intersection, union, prediction and ground truth, ``(K,)`` float32 on the CPU each.

    Args:
        pred_label: ``(H, W)`` predicted labels; those that are no class count for no class.
        label: ``(H, W)`` true labels, likewise.
        num_classes: K.
        ignore_index: Pixels of this true label do not count at all.
    """
    counted = label != ignored_label(num_classes, ignore_index)
    both = counted & (pred_label == label)
    intersection, predicted, annotated = (
        _pixels_of_classes(labels, where, num_classes)
        for labels, where in ((label, both), (pred_label, counted), (label, counted))
    )
    return intersection, predicted + annotated - intersection, predicted, annotated


def _pixels_of_classes(labels: Tensor, counted: Tensor, num_classes: int) -> Tensor:
    is_class = counted & (labels >= 0) & (labels < num_classes)
    of_class = torch.where(is_class, labels.long(), num_classes)
    return count_values(of_class, num_classes + 1)[:num_classes].float().cpu()
