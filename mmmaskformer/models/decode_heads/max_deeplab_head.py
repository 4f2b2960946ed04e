"""MaX-DeepLab's losses on MaskFormer's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmengine.model import caffe2_xavier_init
from torch import Tensor, nn

from ...functional.mask_factors import MaskFactors, WantedQueries
from ...functional.max_deeplab_inference import max_deeplab_segments, slot_log_odds
from ...registry import MODELS
from ...structures import MaskPrediction
from .base import EVERY_LAYER, LAST_LAYER
from .maskformer_head import MaskFormerHead


@MODELS.register_module()
class MaXDeepLabHead(MaskFormerHead):
    """Mask slots that exclude each other, trained as in MaX-DeepLab (Wang et al., CVPR 2021).

    The network is MaskFormer's, the dual-path backbone of MaX-DeepLab is not: only the losses, the softmax
    over slots and the inference are. Two 1x1 convolutions of the mask features serve training alone: the
    embedding of pixels (instance discrimination), and an auxiliary classifier.

    Mask logits are log-odds of the slots' softmax at the masks' resolution, so that every function for
    MaskFormer's predictions serves here too. Semantic scores are the sum over slots of p(class) * p(slot):
    the probability of the class at the pixel. They are upsampled as log-odds, where the panoptic inference
    upsamples logits and then takes the softmax, as the paper's.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of slots, at least the number of segments in any training image.
        embedding_channels: Channels of the pixels' embedding.
        criterion: Config of the criterion, `MaXDeepLabCriterion` by default.
        loss_on_valid_pixels: Leave void out of matching and Dice, as deeplab2 does.
        **kwargs: As `MaskFormerHead`.
    """

    class_rows: ClassVar[dict[str, int]] = {
        **MaskFormerHead.class_rows,
        'pixel_classifier.weight': 0,
        'pixel_classifier.bias': 0,
    }
    panoptic_segments = staticmethod(max_deeplab_segments)

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 128,
        embedding_channels: int = 128,
        criterion: dict | None = None,
        loss_on_valid_pixels: bool = True,
        **kwargs: Any,
    ):
        if _mentions({**kwargs, 'criterion': criterion}, 'class_weight'):
            raise ValueError(
                "class_weight is not a setting of MaXDeepLabHead: MaX-DeepLab's losses multiply class "
                'probability and mask and have no weights of classes; leave it out, or oversample with '
                'ClassBalancedDataset.'
            )
        if num_queries < 2:
            raise ValueError(f'num_queries={num_queries}: slots share pixels, set it to at least 2')
        super().__init__(
            in_channels,
            num_classes,
            num_queries=num_queries,
            criterion=criterion or dict(type='mmmaskformer.MaXDeepLabCriterion'),
            loss_on_valid_pixels=loss_on_valid_pixels,
            **kwargs,
        )
        mask_channels = self.pixel_decoder.mask_channels
        self.pixel_embed = nn.Conv2d(mask_channels, embedding_channels, 1)
        self.pixel_classifier = nn.Conv2d(mask_channels, num_classes, 1)

    def init_weights(self) -> None:
        """Caffe2's Xavier for the two convolutions, as in the pixel decoder."""
        super().init_weights()
        for convolution in (self.pixel_embed, self.pixel_classifier):
            caffe2_xavier_init(convolution)

    def forward(
        self,
        features: Sequence[Tensor],
        layers: slice = EVERY_LAYER,
        multiply: Callable[[MaskFactors], Any] | None = None,
    ) -> Any:
        """As `MaskFormerHead.forward`; mask logits are log-odds of the slots."""
        return super().forward(features, layers, multiply or slot_predictions)

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of the supervised layers and of the pixels; see `MaskFormerHead.loss`."""
        segments = self.targets(data_samples)
        supervised = EVERY_LAYER if self.criterion.deep_supervision else LAST_LAYER
        factors = self(features, supervised, MaskFactors.unmultiplied)
        predictions = slot_predictions(factors)  # first: its order sets that in which gradients are summed
        embedding, classes = self.pixel_embed(factors.features), self.pixel_classifier(factors.features)
        return self.criterion(predictions, segments, embedding, classes)

    def predict_each(
        self, features: Sequence[Tensor], wanted: WantedQueries | None = None
    ) -> list[MaskPrediction]:
        """As `MaskFormerHead.predict_each`, but of all slots, wanted or not: they share the pixels."""
        return [MaskPrediction(*image) for image in zip(*self.predict_masks(features))]

    def _folds(self) -> bool:
        """Never: pixels are embedded and classified by their mask features."""
        return False


def slot_predictions(factors: MaskFactors) -> list[MaskPrediction]:
    """The prediction of each layer, mask logits as log-odds of the softmax over slots."""
    layers = factors.predictions()
    with torch.autocast(factors.class_logits.device.type, enabled=False):
        return [MaskPrediction(p.class_logits, slot_log_odds(p.mask_logits.float())) for p in layers]


def _mentions(settings: Any, key: str) -> bool:
    """Whether a key is anywhere in nested settings."""
    if not isinstance(settings, Mapping):
        return False
    return key in settings or any(_mentions(value, key) for value in settings.values())
