"""EoMT's decode head: queries in the last blocks of a plain vision transformer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...functional.mask_factors import LayerwiseFactors, MaskFactors, WantedQueries
from ...functional.postprocess import panoptic_segments
from ...registry import MODELS
from ...structures import MaskPrediction
from ..backbones import ViTTokens
from ..layers import ScaleBlock
from .mask_classification import MaskClassificationHead

PROBABILITIES = 'attn_mask_probs'  # in checkpoints


@MODELS.register_module()
class EoMTHead(MaskClassificationHead):
    """Encoder-only mask transformer (Kerssies et al., CVPR 2025), for `MaskFormer` and `EncoderDecoder`.

    Learned queries join the tokens of a `QueryVisionTransformer` in its last blocks; there is neither a pixel
    decoder nor a transformer decoder. Before each of these blocks, and after the last, classes and masks are
    predicted. In training all predictions are supervised, and each of the first ones decides which patches a
    query attends to in the block that follows, with a probability that `MaskAnnealingHook` lowers to zero.
    A trained model predicts without masks in its attention, once and at the end.

    Args:
        in_channels: Width of the backbone, in a list; None takes it from the backbone.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of queries, at least the number of segments in any training image.
        num_query_blocks: Blocks of the backbone that queries take part in, as set there.
        num_upscales: Number of times that the grid of patches is doubled for the masks; 2 leads from patches
            of 16 pixels to masks at stride 4.
        criterion: Config of the criterion, `Mask2FormerCriterion` by default.
        ignore_index: Label of pixels that belong to no class.
        loss_on_valid_pixels: See `MaskClassificationHead`.
        allow_class_mismatch: See `SegmentationHead`.
        init_cfg: MMEngine initialization.

    Attributes:
        mask_probabilities: For each of the last blocks, how probable it is that a query attends to its own
            mask alone. Checkpoints have it as ``attn_mask_probs``. In prediction nothing is drawn: masks are
            used where it is one half or more.
    """

    class_rows: ClassVar[dict[str, int]] = {'class_embed.weight': 1, 'class_embed.bias': 1}
    query_rows: ClassVar[tuple[str, ...]] = ('query_embed.weight',)
    panoptic_segments = staticmethod(partial(panoptic_segments, mask_thr=0.5))

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 100,
        num_query_blocks: int = 4,
        num_upscales: int = 2,
        criterion: dict | None = None,
        ignore_index: int = 255,
        loss_on_valid_pixels: bool = False,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(num_classes, ignore_index, loss_on_valid_pixels, allow_class_mismatch, init_cfg)
        (channels,) = in_channels
        self.query_embed = nn.Embedding(num_queries, channels)
        self.class_embed = nn.Linear(channels, num_classes + 1)
        self.mask_embed = nn.Sequential(
            *(layer for _ in range(2) for layer in (nn.Linear(channels, channels), nn.GELU())),
            nn.Linear(channels, channels),
        )
        self.upscale = nn.Sequential(*(ScaleBlock(channels) for _ in range(num_upscales)))
        self.criterion = MODELS.build(criterion or dict(type='mmmaskformer.Mask2FormerCriterion'))
        if hasattr(self.criterion, 'set_num_classes'):
            self.criterion.set_num_classes(num_classes)
        self.mask_probabilities = [1.0] * num_query_blocks
        self._register_state_dict_hook(_store_probabilities)

    def forward(self, features: ViTTokens) -> list[MaskPrediction]:
        """Every prediction, that of the bare queries first (paper, figure 1).

        Args:
            features: Of a `QueryVisionTransformer`.

        Returns:
            A `MaskPrediction` before each of the last blocks, and one after them.
        """
        return [layer.predictions()[0] for layer in self._decode(features, every_layer=True)]

    def predict_masks(self, features: ViTTokens) -> MaskPrediction:  # type: ignore[override]
        """The last prediction."""
        return self._decode(features, every_layer=False)[-1].predictions()[0]

    def predict_each(self, features: ViTTokens, wanted: WantedQueries | None = None) -> list[MaskPrediction]:
        """The last prediction, image by image, without batch dimension.

        Args:
            features: Of a `QueryVisionTransformer`.
            wanted: See `MaskFormerHead.predict_each`.
        """
        return self._decode(features, every_layer=False)[-1].last_layer(wanted)

    def loss(self, features: ViTTokens, data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of all predictions.

        Args:
            features: Of a `QueryVisionTransformer`.
            data_samples: See `MaskFormerHead.loss`.
            train_cfg: Not used; mmseg passes it.

        Raises:
            ValueError: A label is out of range, or an image has more segments than there are queries.
        """
        segments = self.targets(data_samples)
        return self.criterion(LayerwiseFactors(self._decode(features, every_layer=True)), segments)

    def _decode(self, features: ViTTokens, every_layer: bool) -> list[MaskFactors]:
        """The last blocks of the backbone with the queries; what is predicted before and after each.

        Args:
            features: Of the backbone.
            every_layer: Whether all predictions are of interest, or the last one alone.
        """
        tokens, grid, blocks, norm = features
        self._check_blocks(blocks)
        tokens = torch.cat([self.query_embed.weight.expand(tokens.shape[0], -1, -1), tokens], 1)
        layers = []
        for block, probability in zip(blocks, self.mask_probabilities):
            masked = self._attends_to_masks(probability)
            if every_layer or masked:
                layers.append(self._predict(norm(tokens), grid))
            visible = self._visible_patches(layers[-1], grid, probability) if masked else None
            tokens = block(tokens, visible)
        return [*layers, self._predict(norm(tokens), grid)]

    def _predict(self, tokens: Tensor, grid: tuple[int, int]) -> MaskFactors:
        """Classes and mask embeddings of the queries, and the features of the pixels."""
        queries = tokens[None, :, : self.query_embed.num_embeddings]
        patches = tokens[:, -grid[0] * grid[1] :].mT.unflatten(2, grid)
        return MaskFactors(self.class_embed(queries), self.mask_embed(queries), self.upscale(patches))

    def _attends_to_masks(self, probability: float) -> bool:
        return probability > 0 if self.training else probability >= 0.5

    @torch.no_grad()
    def _visible_patches(self, layer: MaskFactors, grid: tuple[int, int], probability: float) -> Tensor:
        """Which patches each query attends to, ``(B, 1, Q, h * w)`` bool: those of its mask, or all.

        Pixel features are resized, and not masks, which is the same and less work.
        """
        with torch.autocast(layer.embeddings.device.type, enabled=False):
            assert isinstance(layer.features, Tensor)
            pixels = F.interpolate(layer.features.float(), grid, mode='bilinear', align_corners=False)
            visible = layer.embeddings[0].float() @ pixels.flatten(2) > 0
        if self.training and probability < 1:
            visible |= torch.rand(visible.shape[:2], device=visible.device)[..., None] > probability
        return visible[:, None]

    def _check_blocks(self, blocks: Sequence[nn.Module]) -> None:
        if len(blocks) != len(self.mask_probabilities):
            raise ValueError(
                f'decode_head.num_query_blocks={len(self.mask_probabilities)}, but '
                f'backbone.num_query_blocks={len(blocks)}: set both to the same number'
            )

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any) -> None:
        """Take the probabilities from a checkpoint, which have no place among the buffers."""
        probabilities = state_dict.pop(f'{prefix}{PROBABILITIES}', None)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        if probabilities is not None:
            if len(probabilities) != len(self.mask_probabilities):
                raise ValueError(
                    f'the checkpoint has queries in {len(probabilities)} blocks, this model in '
                    f'{len(self.mask_probabilities)}: set num_query_blocks={len(probabilities)} of backbone '
                    'and decode_head'
                )
            self.mask_probabilities = probabilities.tolist()


def _store_probabilities(head: EoMTHead, state: dict, prefix: str, _: Any) -> None:
    """Add the probabilities to a state dict; the host reads them at each step, and would wait for a GPU."""
    state[f'{prefix}{PROBABILITIES}'] = torch.tensor(head.mask_probabilities)
