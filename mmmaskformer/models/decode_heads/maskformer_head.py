"""MaskFormer's decode head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from ...functional.folded_convolution import FoldedFeatures, may_fold
from ...functional.mask_factors import MaskFactors, WantedQueries
from ...registry import MODELS
from ...structures import MaskPrediction
from ..auxiliary_classifier import build_auxiliary_classifier
from ..layers import MLP
from .base import EVERY_LAYER, LAST_LAYER
from .mask_classification import MaskClassificationHead


@MODELS.register_module()
class MaskFormerHead(MaskClassificationHead):
    """Mask classification (Cheng et al., 2021), for `MaskFormer` and for mmseg's `EncoderDecoder`.

    Every default is the paper's; for another data set ``num_classes`` is all that changes.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of queries, at least the number of segments in any training image.
        pixel_decoder: Config of the pixel decoder.
        transformer_decoder: Config of the transformer decoder.
        criterion: Config of the criterion.
        ignore_index: Label of pixels that belong to no class.
        loss_on_valid_pixels: Leave ignored and padded pixels out of matching and losses. By default they
            are background of every segment, as in the official implementation.
        allow_class_mismatch: Load checkpoints trained on other classes, all but their classifier.
        auxiliary_classifier: Config of a per-pixel classifier of the mask features, none by default:
            `AuxiliaryPixelClassifier`, which serves training alone, or `MaskPooledClassifier`.
        init_cfg: MMEngine initialization.
    """

    class_rows: ClassVar[dict[str, int]] = {
        'class_embed.weight': 1,
        'class_embed.bias': 1,
        'auxiliary_classifier.classifier.weight': 0,
        'auxiliary_classifier.classifier.bias': 0,
        'auxiliary_classifier.pixels.classifier.weight': 0,
        'auxiliary_classifier.pixels.classifier.bias': 0,
    }
    query_rows: ClassVar[tuple[str, ...]] = (
        'transformer_decoder.query_embed.weight',
        'transformer_decoder.query_feat.weight',
    )

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 100,
        pixel_decoder: dict | None = None,
        transformer_decoder: dict | None = None,
        criterion: dict | None = None,
        ignore_index: int = 255,
        loss_on_valid_pixels: bool = False,
        allow_class_mismatch: bool = False,
        auxiliary_classifier: dict | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(num_classes, ignore_index, loss_on_valid_pixels, allow_class_mismatch, init_cfg)
        pixel_decoder = pixel_decoder or dict(type='mmmaskformer.FPNPixelDecoder')
        self.pixel_decoder = MODELS.build({**pixel_decoder, 'in_channels': in_channels})
        transformer_decoder = transformer_decoder or dict(type='mmmaskformer.MaskFormerTransformerDecoder')
        memory_channels = self.pixel_decoder.memory_channels
        self.transformer_decoder = MODELS.build(
            {**transformer_decoder, 'in_channels': memory_channels, 'num_queries': num_queries}
        )
        channels = self.transformer_decoder.channels
        self.class_embed = nn.Linear(channels, num_classes + 1)
        self.mask_embed = MLP(channels, channels, self.pixel_decoder.mask_channels, num_layers=3)
        self.criterion = MODELS.build(criterion or dict(type='mmmaskformer.MaskFormerCriterion'))
        if hasattr(self.criterion, 'set_num_classes'):
            self.criterion.set_num_classes(num_classes)
        self.auxiliary_classifier = build_auxiliary_classifier(
            auxiliary_classifier, self.pixel_decoder.mask_channels, num_classes
        )

    def forward(
        self,
        features: Sequence[Tensor],
        layers: slice = EVERY_LAYER,
        multiply: Callable[[MaskFactors], Any] = MaskFactors.predictions,
    ) -> Any:
        """Predictions of every decoder layer, the last layer last (paper, figure 2).

        Training, prediction and export all run this. They differ in the layers they need and in which masks
        they multiply out.

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            layers: Decoder layers that are of interest.
            multiply: Makes the result of the factors; by default a `MaskPrediction` of each layer.

        Returns:
            A list of `MaskPrediction`, or what ``multiply`` returns.

        Example:
            >>> head = MaskFormerHead(in_channels=[8, 16, 32, 64], num_classes=3)
            >>> maps = [torch.rand(1, 8 * 2**i, 32 // 2**i, 32 // 2**i) for i in range(4)]
            >>> head(maps)[-1].mask_logits.shape
            torch.Size([1, 100, 32, 32])
        """
        pixels = self.pixel_decoder(features, with_mask_features=not self._folds())
        queries = self._decode(pixels)[layers]
        classes, embeddings = self.class_embed(queries), self.mask_embed(queries)
        mask_features = self._mask_features(pixels)
        if self._pools:
            classes = self.auxiliary_classifier.add_pooled_logits(classes, embeddings, mask_features)
        return multiply(MaskFactors(classes, embeddings, mask_features))

    def predict_masks(self, features: Sequence[Tensor]) -> MaskPrediction:
        """Prediction of the last decoder layer, without the cost of the other layers' masks."""
        return self(features, LAST_LAYER)[0]

    def predict_each(
        self, features: Sequence[Tensor], wanted: WantedQueries | None = None
    ) -> list[MaskPrediction]:
        """Prediction of the last decoder layer, image by image, without batch dimension.

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            wanted: Tells by class logits ``(B, Q, K + 1)`` which queries ``(B, Q)`` are of interest; None
                keeps all. No other masks are computed.
        """
        return self(features, LAST_LAYER, partial(MaskFactors.last_layer, wanted=wanted))

    def _decode(self, pixels: Any) -> Tensor:
        """``(L, B, Q, C)`` queries after each decoder layer, of the pixel decoder's `PixelFeatures`."""
        return self.transformer_decoder(pixels.memory)

    def _folds(self) -> bool:
        """Whether the convolution of the mask features is left to the products with them."""
        return may_fold() and not self._pools

    @property
    def _pools(self) -> bool:
        """Whether the auxiliary classifier has a say in the classes of queries."""
        return self.auxiliary_classifier is not None and self.auxiliary_classifier.pools

    def _mask_features(self, pixels: Any) -> Tensor | FoldedFeatures:
        if pixels.mask_features is not None:
            return pixels.mask_features
        convolution = self.pixel_decoder.mask_features
        return FoldedFeatures(pixels.finest, convolution.weight, convolution.bias)

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of all layers.

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            data_samples: mmseg's `SegDataSample` at the padded input size, with ``gt_panoptic_seg``, segment
                ids ``(L, H, W)``, and ``gt_segments_info``; or with ``gt_sem_seg``, labels ``(1, H, W)``.
            train_cfg: Not used; mmseg passes it.

        Raises:
            ValueError: A label is out of range, or an image has more segments than there are queries.
        """
        segments = self.targets(data_samples)
        factors = self(features, multiply=MaskFactors.unmultiplied)
        losses = self.criterion(factors, segments)
        if self.auxiliary_classifier is not None:
            pixels = factors.features
            pixels = pixels.unfolded() if isinstance(pixels, FoldedFeatures) else pixels
            losses.update(self.auxiliary_classifier.loss(pixels, segments))
        return losses
