"""The per-pixel baselines: a class for each pixel, from pixels alone or from one query for each class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmengine.model import kaiming_init
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ...functional.host_steps import Steps, together
from ...functional.per_pixel import upsample, upsampled_cross_entropy
from ...functional.targets import label_map_to_segments, present_labels
from ...registry import MODELS
from ..auxiliary_classifier import build_auxiliary_classifier
from ..layers import MLP
from ..losses import ClassWeight, ClassWeights
from .base import EVERY_LAYER, LAST_LAYER, SegmentationHead, input_size, named_label_errors


class PerPixelHead(SegmentationHead):
    """Per-pixel classification: class logits of one or more layers, each learns by cross entropy.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, at least two.
        pixel_decoder: Config of the pixel decoder.
        ignore_index: Label of pixels that belong to no class, and do not count in the loss.
        allow_class_mismatch: Load checkpoints trained on other classes, all but what belongs to a class.
        init_cfg: MMEngine initialization.
        class_weight: Weights of the classes in the cross entropy, 1 by default: a list of K numbers, a dict
            of some classes by name, or ``'inverse_sqrt'`` for weights from the pixels of the training data.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        pixel_decoder: dict | None = None,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
        class_weight: ClassWeight = None,
    ):
        super().__init__(num_classes, ignore_index, allow_class_mismatch, init_cfg)
        if num_classes < 2:
            raise ValueError(
                f'num_classes={num_classes}: cross entropy learns to tell classes apart, so it needs two or '
                'more; set num_classes=2 with the background as a class'
            )
        pixel_decoder = pixel_decoder or dict(type='mmmaskformer.FPNPixelDecoder')
        self.pixel_decoder = MODELS.build({**pixel_decoder, 'in_channels': in_channels})
        self.class_weights = None if class_weight is None else ClassWeights(class_weight, counts_pixels=True)
        if self.class_weights is not None:
            self.class_weights.set_num_classes(num_classes)

    @abstractmethod
    def forward(self, features: Sequence[Tensor], layers: slice = EVERY_LAYER) -> list[Tensor]:
        """Class logits ``(B, K, h, w)`` at stride 4 of the layers of interest, the last layer last."""

    def predict_logits(self, features: Sequence[Tensor]) -> Tensor:
        """Class logits ``(B, K, h, w)`` of the last layer."""
        return self(features, LAST_LAYER)[-1]

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """``loss_ce`` of the last layer, ``d{i}.loss_ce`` of layer i.

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            data_samples: mmseg's `SegDataSample` at the padded input size, with ``gt_sem_seg``, labels
                ``(1, H, W)``.
            train_cfg: Not used; mmseg passes it.

        Raises:
            ValueError: A label is out of range, or there is no label map.
        """
        labels = self.targets(data_samples)
        return self._cross_entropies(self(features), labels)

    def _cross_entropies(self, logits: Sequence[Tensor], labels: Tensor) -> dict:
        """``loss_ce`` and ``d{i}.loss_ce`` of the logits of all layers and label maps ``(B, H, W)``."""
        weights = None if self.class_weights is None else self.class_weights(self.num_classes, labels.device)
        *inner, last = [upsampled_cross_entropy(x, labels, self.ignore_index, weights) for x in logits]
        return {**{f'd{i}.loss_ce': value for i, value in enumerate(inner)}, 'loss_ce': last}

    def predict(
        self, features: Sequence[Tensor], batch_img_metas: Sequence[dict], test_cfg: dict | None
    ) -> Tensor:
        """Class logits ``(B, K, H, W)`` at the size of the network's input, without softmax (as official)."""
        return upsample(self.predict_logits(features), input_size(batch_img_metas[0], test_cfg))

    def _make_targets(self, data_samples: Sequence[SegDataSample]) -> Tensor:
        """Label maps ``(B, H, W)``; a GPU is waited for once."""
        return torch.stack(together([self._label_steps(sample) for sample in data_samples]))

    def _label_steps(self, sample: SegDataSample) -> Steps[Tensor]:
        if 'gt_sem_seg' not in sample:
            raise ValueError(
                f'{type(self).__name__} learns from label maps and the sample has no gt_sem_seg: train on a '
                'semantic data set, or pack segments with with_semantic=True'
            )
        labels = sample.gt_sem_seg.data.squeeze(0)
        with named_label_errors(sample):
            yield from present_labels.steps(labels, self.num_classes, self.ignore_index)
        return labels


@MODELS.register_module()
class PerPixelBaselineHead(PerPixelHead):
    """PerPixelBaseline: pixel decoder and a 1x1 convolution as classifier (paper, section 4.1).

    Args:
        in_channels: See `PerPixelHead`.
        num_classes: See `PerPixelHead`.
        pixel_decoder: See `PerPixelHead`.
        ignore_index: See `PerPixelHead`.
        allow_class_mismatch: See `PerPixelHead`.
        init_cfg: See `PerPixelHead`.
        class_weight: See `PerPixelHead`.
    """

    class_rows: ClassVar[dict[str, int]] = {'classifier.weight': 0, 'classifier.bias': 0}

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        pixel_decoder: dict | None = None,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
        class_weight: ClassWeight = None,
    ):
        super().__init__(
            in_channels,
            num_classes,
            pixel_decoder,
            ignore_index,
            allow_class_mismatch,
            init_cfg,
            class_weight,
        )
        self.classifier = nn.Conv2d(self.pixel_decoder.mask_channels, num_classes, 1)

    def init_weights(self) -> None:
        """MSRA's normal weights for the classifier, as officially."""
        super().init_weights()
        kaiming_init(self.classifier, mode='fan_out')

    def forward(self, features: Sequence[Tensor], layers: slice = EVERY_LAYER) -> list[Tensor]:
        """See `PerPixelHead.forward`; there is one layer."""
        return [self.classifier(self.pixel_decoder(features).mask_features)]


@MODELS.register_module()
class PerPixelBaselinePlusHead(PerPixelHead):
    """PerPixelBaseline+: one query for each class, its mask logits are the logits of the class.

    The network is MaskFormer's but for the classification of queries; masks are not sigmoids here but
    compete in a softmax, and every decoder layer learns by cross entropy (paper, section 4.1).

    Args:
        in_channels: See `PerPixelHead`.
        num_classes: See `PerPixelHead`; the number of queries, too.
        pixel_decoder: See `PerPixelHead`.
        transformer_decoder: Config of the transformer decoder.
        ignore_index: See `PerPixelHead`.
        allow_class_mismatch: See `PerPixelHead`.
        init_cfg: See `PerPixelHead`.
        class_weight: See `PerPixelHead`.
        auxiliary_classifier: Config of a per-pixel classifier of the mask features, which serves training
            alone; none by default.

    Raises:
        ValueError: The auxiliary classifier is made for the classes of queries.
    """

    class_rows: ClassVar[dict[str, int]] = {
        'transformer_decoder.query_embed.weight': 0,
        'transformer_decoder.query_feat.weight': 0,
        'auxiliary_classifier.classifier.weight': 0,
        'auxiliary_classifier.classifier.bias': 0,
    }

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        pixel_decoder: dict | None = None,
        transformer_decoder: dict | None = None,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
        class_weight: ClassWeight = None,
        auxiliary_classifier: dict | None = None,
    ):
        super().__init__(
            in_channels,
            num_classes,
            pixel_decoder,
            ignore_index,
            allow_class_mismatch,
            init_cfg,
            class_weight,
        )
        transformer_decoder = transformer_decoder or dict(type='mmmaskformer.MaskFormerTransformerDecoder')
        memory_channels = self.pixel_decoder.memory_channels
        self.transformer_decoder = MODELS.build(
            {**transformer_decoder, 'in_channels': memory_channels, 'num_queries': num_classes}
        )
        channels = self.transformer_decoder.channels
        self.mask_embed = MLP(channels, channels, self.pixel_decoder.mask_channels, num_layers=3)
        self.auxiliary_classifier = build_auxiliary_classifier(
            auxiliary_classifier, self.pixel_decoder.mask_channels, num_classes
        )
        if getattr(self.auxiliary_classifier, 'pools', False):
            raise ValueError(
                f'{type(self.auxiliary_classifier).__name__} adds to the class logits of queries, which '
                'PerPixelBaselinePlusHead does not have: use mmmaskformer.AuxiliaryPixelClassifier.'
            )

    def forward(self, features: Sequence[Tensor], layers: slice = EVERY_LAYER) -> list[Tensor]:
        """See `PerPixelHead.forward`."""
        return self._decode(self.pixel_decoder(features), layers)

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """See `PerPixelHead.loss`; with an auxiliary classifier also its ``loss_pixel``."""
        if self.auxiliary_classifier is None:
            return super().loss(features, data_samples, train_cfg)
        labels, pixels = self.targets(data_samples), self.pixel_decoder(features)
        steps = [label_map_to_segments.steps(image, self.num_classes, self.ignore_index) for image in labels]
        losses = self._cross_entropies(self._decode(pixels, EVERY_LAYER), labels)
        return {**losses, **self.auxiliary_classifier.loss(pixels.mask_features, together(steps))}

    def _decode(self, pixels: Any, layers: slice) -> list[Tensor]:
        queries = self.transformer_decoder(pixels.memory)[layers]
        return list(torch.einsum('lbqc,bchw->lbqhw', self.mask_embed(queries), pixels.mask_features))
