"""What DETR's decoder gives, before masks: those of few queries cost little."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...functional.mask_factors import WantedQueries, kept_queries
from ...functional.matching import MatchedPairs
from ...structures import BoxedMaskPrediction, BoxPrediction
from ..layers import DETRMaskHead, MaskInputs


class MaskFactory(NamedTuple):
    """Computes the masks of a batch.

    Attributes:
        head: The mask head.
        queries: ``(B, Q, C)`` of the last decoder layer.
        inputs: What the masks share.
    """

    head: DETRMaskHead
    queries: Tensor
    inputs: MaskInputs

    def masks(self, image: int, kept: Tensor | slice) -> Tensor:
        """``(N, h, w)`` mask logits of some queries of an image."""
        return self.head(self.queries[image, kept], self.inputs, image)

    def matched_logits(self, pairs: MatchedPairs) -> Tensor:
        """``(M, h, w)`` mask logits of matched queries of the last layer, in the order of the pairs."""
        parts = pairs.queries.split(pairs.per_image())
        return torch.cat([self.masks(image, part) for image, part in enumerate(parts)])


class DETRFactors(NamedTuple):
    """What `DETRHead.forward` has found.

    Attributes:
        class_logits: ``(L, B, Q, K + 1)`` of all layers.
        boxes: ``(L, B, Q, 4)`` center, width and height as parts of the image.
        masks: Computes masks; None if the model predicts boxes alone.
    """

    class_logits: Tensor
    boxes: Tensor
    masks: MaskFactory | None

    def layers(self) -> list[BoxPrediction]:
        """The prediction of each layer, without masks."""
        return [BoxPrediction(*layer) for layer in zip(self.class_logits, self.boxes)]

    def last_layer(self) -> BoxedMaskPrediction:
        """The prediction of the last layer for the batch."""
        images = self.images()
        return BoxedMaskPrediction(*(torch.stack(parts) for parts in zip(*images)))

    def images(self, wanted: WantedQueries | None = None) -> list[BoxedMaskPrediction]:
        """The prediction of the last layer for each image, without batch dimension.

        Args:
            wanted: Which queries are of interest; None keeps all. No other masks are computed.
        """
        found = []
        kept = kept_queries(self.class_logits[-1], wanted)
        for image, (classes, boxes) in enumerate(zip(self.class_logits[-1], self.boxes[-1])):
            masks = classes.new_zeros(len(classes[kept[image]]), 0, 0)
            if self.masks is not None:
                masks = self.masks.masks(image, kept[image])
            found.append(BoxedMaskPrediction(classes[kept[image]], masks, boxes[kept[image]]))
        return found
