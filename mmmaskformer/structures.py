"""The structures that all packages share: ground truth of an image, and predictions for a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """Ground truth of one image, for any task: a set of labeled masks.

    Attributes:
        labels: Class of each segment, ``(S,)`` int64, in ``[0, num_classes)``.
        masks: Pixels of each segment, ``(S, H, W)`` bool, at the padded input size.
        valid: Pixels to learn from, ``(H, W)`` bool, or None for all of them. With None, void and padding
            are background of every segment, as in the official implementation.
        boxes: ``(S, 4)`` center, width and height as parts of the image, for systems that predict boxes.
    """

    labels: Tensor
    masks: Tensor
    valid: Tensor | None = None
    boxes: Tensor | None = None

    def __len__(self) -> int:
        return self.labels.shape[0]


class MaskPrediction(NamedTuple):
    """What one decoder layer predicts for a batch: Q pairs of a class distribution and a mask.

    Attributes:
        class_logits: ``(B, Q, K + 1)``; the last class is no-object.
        mask_logits: ``(B, Q, h, w)``, at the resolution of the mask features (stride 4).
    """

    class_logits: Tensor
    mask_logits: Tensor


class BoxPrediction(NamedTuple):
    """What one decoder layer of DETR predicts for a batch: Q pairs of a class distribution and a box.

    Attributes:
        class_logits: ``(B, Q, K + 1)``; the last class is no-object.
        boxes: ``(B, Q, 4)`` center, width and height as parts of the image.
    """

    class_logits: Tensor
    boxes: Tensor


class BoxedMaskPrediction(NamedTuple):
    """A `MaskPrediction` whose queries also have boxes.

    Attributes:
        class_logits: ``(B, Q, K + 1)``; the last class is no-object.
        mask_logits: ``(B, Q, h, w)``; h and w are 0 if the model predicts boxes alone.
        boxes: ``(B, Q, 4)`` center, width and height as parts of the image.
    """

    class_logits: Tensor
    mask_logits: Tensor
    boxes: Tensor
