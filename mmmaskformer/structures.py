"""The two structures that all packages share: ground truth of an image, and predictions for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """Ground truth of one image, for any task: a set of labeled masks.

    Attributes:
        labels: Class of each segment, ``(S,)`` int64, in ``[0, num_classes)``.
        masks: Pixels of each segment, ``(S, H, W)`` bool, at the padded input size.
        valid: Pixels to learn from, ``(H, W)`` bool, or None for all of them. With None, void and padding
            are background of every segment, as in the official implementation.
    """

    labels: Tensor
    masks: Tensor
    valid: Tensor | None = None

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


class MaskFactors(NamedTuple):
    """Mask logits before they are multiplied out: a few queries can be computed alone.

    Attributes:
        embeddings: ``(L, B, Q, C)`` mask embeddings of all layers.
        features: ``(B, C, h, w)`` mask features.
    """

    embeddings: Tensor
    features: Tensor

    def all_logits(self) -> Tensor:
        """``(L, B, Q, h, w)``."""
        return torch.einsum('lbqc,bchw->lbqhw', self.embeddings, self.features)

    def logits(self, image: int, queries: Sequence[Tensor]) -> Tensor:
        """``(sum of S_l, h, w)`` of one image, for the ``(S_l,)`` queries of each layer l."""
        rows = torch.cat([layer[image, indices] for layer, indices in zip(self.embeddings, queries)])
        return torch.einsum('nc,chw->nhw', rows, self.features[image])
