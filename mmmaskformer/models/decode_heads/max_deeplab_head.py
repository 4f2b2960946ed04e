"""MaX-DeepLab's losses on MaskFormer's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmengine.model import caffe2_xavier_init
from torch import Tensor, nn

from ...functional.max_deeplab_inference import max_deeplab_segments, slot_log_odds
from ...registry import MODELS
from ...structures import MaskPrediction
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

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of the supervised layers and of the pixels; see `MaskFormerHead.loss`."""
        segments = [self._segments(sample) for sample in data_samples]
        pixels = self.pixel_decoder(features)
        queries = self._decode(pixels)
        supervised = queries if self.criterion.deep_supervision else queries[-1:]
        predictions = self._classify_masks(supervised, pixels.mask_features)
        embedding, classes = (
            self.pixel_embed(pixels.mask_features),
            self.pixel_classifier(pixels.mask_features),
        )
        return self.criterion(predictions, segments, embedding, classes)

    def predict_each(
        self, features: Sequence[Tensor], wanted: Callable[[Tensor], Tensor] | None = None
    ) -> list[MaskPrediction]:
        """As `MaskFormerHead.predict_each`, but of all slots, wanted or not: they share the pixels."""
        pixels = self.pixel_decoder(features)
        queries = self._decode(pixels)
        (prediction,) = self._classify_masks(queries[-1:], pixels.mask_features)
        return [MaskPrediction(*one) for one in zip(*prediction)]

    def _classify_masks(self, queries: Tensor, mask_features: Tensor) -> list[MaskPrediction]:
        layers = super()._classify_masks(queries, mask_features)
        with torch.autocast(mask_features.device.type, enabled=False):
            return [MaskPrediction(p.class_logits, slot_log_odds(p.mask_logits.float())) for p in layers]


def _mentions(settings: Any, key: str) -> bool:
    """Whether a key is anywhere in nested settings."""
    if not isinstance(settings, Mapping):
        return False
    return key in settings or any(_mentions(value, key) for value in settings.values())
