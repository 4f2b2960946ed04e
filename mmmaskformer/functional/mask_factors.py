"""Predictions whose masks are not yet multiplied out: the masks of few queries cost little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..structures import MaskPrediction
from .folded_convolution import FoldedFeatures
from .host_steps import indices_of, to_host
from .matching import MatchedPairs

# By class logits (B, Q, K + 1), whether each query (B, Q) is wanted; or None if all are
WantedQueries = Callable[[Tensor], Tensor | None]


class MaskFactors(NamedTuple):
    """What `MaskFormerHead.forward` multiplies: embeddings of queries and features of pixels.

    Attributes:
        class_logits: ``(L, B, Q, K + 1)`` of all layers.
        embeddings: ``(L, B, Q, C)`` mask embeddings.
        features: ``(B, C, h, w)`` mask features, or what stands for them in prediction.
    """

    class_logits: Tensor
    embeddings: Tensor
    features: Tensor | FoldedFeatures

    def predictions(self) -> list[MaskPrediction]:
        """The prediction of each layer, all masks multiplied out (paper, figure 2)."""
        return [MaskPrediction(*layer) for layer in zip(self.class_logits, self.all_logits())]

    def unmultiplied(self) -> MaskFactors:
        """The factors as they are."""
        return self

    def all_logits(self) -> Tensor:
        """Mask logits ``(L, B, Q, h, w)``."""
        if isinstance(self.features, FoldedFeatures):
            num_layers, num_images, num_queries = self.embeddings.shape[:3]
            rows = self.embeddings.transpose(0, 1).flatten(1, 2)
            images = [self.features.products(image, rows[image]) for image in range(num_images)]
            return torch.stack(images).unflatten(1, (num_layers, num_queries)).transpose(0, 1)
        return torch.einsum('lbqc,bchw->lbqhw', self.embeddings, self.features)

    def matched_logits(self, pairs: MatchedPairs) -> Tensor:
        """Mask logits ``(M, h, w)`` of the matched queries, in the order of the pairs."""
        rows = self.embeddings[pairs.layers, pairs.images, pairs.queries]
        parts = rows.split(pairs.per_image())
        return torch.cat([self._products(image, part) for image, part in enumerate(parts)])

    def last_layer(self, wanted: WantedQueries | None = None) -> list[MaskPrediction]:
        """Prediction of the last layer for each image, without batch dimension.

        Args:
            wanted: Which queries are of interest; None keeps all. No other masks are computed. The host waits
                once for all images.
        """
        kept = kept_queries(self.class_logits[-1], wanted)
        return [
            MaskPrediction(classes[kept[i]], self._products(i, embeddings[kept[i]]))
            for i, (classes, embeddings) in enumerate(zip(self.class_logits[-1], self.embeddings[-1]))
        ]

    def _products(self, image: int, embeddings: Tensor) -> Tensor:
        """``(N, C)`` embeddings -> mask logits ``(N, h, w)`` of one image."""
        if isinstance(self.features, FoldedFeatures):
            return self.features.products(image, embeddings)
        return torch.einsum('nc,chw->nhw', embeddings, self.features[image])


class LayerwiseFactors(NamedTuple):
    """`MaskFactors` of each layer, where every layer has pixel features of its own.

    Attributes:
        layers: The factors of one layer each.
    """

    layers: Sequence[MaskFactors]

    @property
    def class_logits(self) -> list[Tensor]:
        """``(B, Q, K + 1)`` of each layer."""
        return [layer.class_logits[0] for layer in self.layers]

    def predictions(self) -> list[MaskPrediction]:
        """See `MaskFactors.predictions`."""
        return [layer.predictions()[0] for layer in self.layers]

    def matched_logits(self, pairs: MatchedPairs) -> Tensor:
        """See `MaskFactors.matched_logits`."""
        products = []
        for i, queries in enumerate(pairs.queries.split(pairs.counts)):
            image, layer = divmod(i, pairs.num_layers)
            factors = self.layers[layer]
            products.append(factors._products(image, factors.embeddings[0, image][queries]))
        return torch.cat(products)


class PlainPredictions(NamedTuple):
    """What `MaskFactors` gives, of masks that are multiplied out already.

    Attributes:
        layers: The prediction of each layer.
    """

    layers: Sequence[MaskPrediction]

    @property
    def class_logits(self) -> list[Tensor]:
        """``(B, Q, K + 1)`` of each layer."""
        return [layer.class_logits for layer in self.layers]

    def predictions(self) -> list[MaskPrediction]:
        """See `MaskFactors.predictions`."""
        return list(self.layers)

    def matched_logits(self, pairs: MatchedPairs) -> Tensor:
        """See `MaskFactors.matched_logits`."""
        logits = torch.stack([layer.mask_logits for layer in self.layers])
        return logits[pairs.layers, pairs.images, pairs.queries]


def kept_queries(class_logits: Tensor, wanted: WantedQueries | None) -> Sequence[slice | Tensor]:
    """Indices of the queries of each image that are wanted; a GPU is waited for once.

    Args:
        class_logits: ``(B, Q, K + 1)``.
        wanted: Which queries are of interest; None keeps all.
    """
    flags = None if wanted is None else wanted(class_logits)
    if flags is None:
        return [slice(None)] * len(class_logits)
    (on_host,) = to_host([flags])
    return indices_of(on_host, flags.device)
