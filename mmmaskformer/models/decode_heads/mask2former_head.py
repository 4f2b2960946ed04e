"""Mask2Former's decode head."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...functional.postprocess import panoptic_segments
from ...registry import MODELS
from .maskformer_head import MaskFormerHead


@MODELS.register_module()
class Mask2FormerHead(MaskFormerHead):
    """Masked-attention mask classification (Cheng et al., CVPR 2022), for `MaskFormer` and `EncoderDecoder`.

    MaskFormer with other parts: deformable attention in the pixel decoder, a transformer decoder that attends
    to the masks of its own queries, losses at points. Every default is the paper's; for another data set
    ``num_classes`` is all that changes. In panoptic results, a pixel belongs to a segment only if it is more
    probably inside of its mask than outside.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of queries, at least the number of segments in any training image.
        pixel_decoder: Config of the pixel decoder, `MSDeformAttnPixelDecoder` by default.
        transformer_decoder: Config of the transformer decoder, `Mask2FormerTransformerDecoder` by default.
        criterion: Config of the criterion, `Mask2FormerCriterion` by default.
        **kwargs: As `MaskFormerHead`.
    """

    query_rows: ClassVar[tuple[str, ...]] = (
        *MaskFormerHead.query_rows,
        'transformer_decoder.query_feat.weight',
    )
    panoptic_segments = staticmethod(partial(panoptic_segments, mask_thr=0.5))

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 100,
        pixel_decoder: dict | None = None,
        transformer_decoder: dict | None = None,
        criterion: dict | None = None,
        **kwargs: Any,
    ):
        decoder = dict(type='mmmaskformer.Mask2FormerTransformerDecoder')
        super().__init__(
            in_channels,
            num_classes,
            num_queries=num_queries,
            pixel_decoder=pixel_decoder or dict(type='mmmaskformer.MSDeformAttnPixelDecoder'),
            transformer_decoder=transformer_decoder or decoder,
            criterion=criterion or dict(type='mmmaskformer.Mask2FormerCriterion'),
            **kwargs,
        )

    def _decode(self, pixels: Any) -> Tensor:
        """The queries, whose masks at each scale decide where they look next."""
        with torch.no_grad():
            sizes = [(scale.shape[-2], scale.shape[-1]) for scale in pixels.memory]
            mask_features = self.pixel_decoder.mask_features_at(pixels.finest, sizes)
        return self.transformer_decoder(pixels.memory, mask_features, self.mask_embed)
