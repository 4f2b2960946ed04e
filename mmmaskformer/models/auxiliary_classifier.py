"""Per-pixel classifiers that teach the pixel decoder while the queries still sort themselves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn

from ..functional.host_steps import together
from ..functional.targets import segments_at
from ..registry import MODELS
from ..structures import Segments
from .losses.max_deeplab_losses import semantic_cross_entropy


def build_auxiliary_classifier(config: dict | None, in_channels: int, num_classes: int) -> Any:
    """The classifier of a head's mask features, or None."""
    if config is None:
        return None
    return MODELS.build({**config, 'in_channels': in_channels, 'num_classes': num_classes})


@MODELS.register_module()
class AuxiliaryPixelClassifier(BaseModule):
    """A 1x1 convolution of the mask features that learns by cross entropy; prediction does not use it.

    Every pixel then teaches the pixel decoder its class from the first iteration, whichever queries are
    matched: ``decode_head=dict(auxiliary_classifier=dict(type='mmmaskformer.AuxiliaryPixelClassifier'))``.
    The published recipes do without.

    Args:
        in_channels: Channels of the mask features; the head sets it.
        num_classes: Number of classes; the head sets it.
        loss_weight: Factor of the loss.
        init_cfg: MMEngine initialization.
    """

    pools: ClassVar[bool] = False  # whether queries ask it for their classes

    def __init__(
        self, in_channels: int, num_classes: int, loss_weight: float = 1.0, init_cfg: dict | None = None
    ):
        super().__init__(init_cfg=init_cfg)
        self.loss_weight = loss_weight
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)

    def init_weights(self) -> None:
        """MSRA's normal weights, as those of the per-pixel baseline."""
        super().init_weights()
        kaiming_init(self.classifier, mode='fan_out')

    def loss(self, mask_features: Tensor, segments: Sequence[Segments]) -> dict[str, Tensor]:
        """``loss_pixel``: mean over images of the cross entropy of the pixels that lie in a segment.

        Args:
            mask_features: ``(B, in_channels, h, w)``.
            segments: One for each image. Their masks are taken at the size of the mask features, by the
                nearest pixel; where segments overlap, the first counts.
        """
        logits = self.classifier(mask_features)
        size = (logits.shape[-2], logits.shape[-1])
        targets = together([segments_at.steps(target, size) for target in segments])
        losses = [
            semantic_cross_entropy(image.float().flatten(1), target.labels, target.masks.flatten(1))
            for image, target in zip(logits, targets)
        ]
        return dict(loss_pixel=self.loss_weight * torch.stack(losses).mean())


@MODELS.register_module()
class MaskPooledClassifier(BaseModule):
    """An auxiliary classifier that has a say in the class of each query, in prediction too.

    Its logits, averaged over the pixels of a query's mask, are added to the class logits of the query.
    Classes of one shape, such as trousers and jeans, are then told apart by their pixels before the queries
    have learned to:
    ``decode_head=dict(auxiliary_classifier=dict(type='mmmaskformer.MaskPooledClassifier'))``.
    The published recipes do without, and so do the formats of other code bases. Its weights have other names
    than those of `AuxiliaryPixelClassifier`: a checkpoint of one is no checkpoint of the other.

    Args:
        in_channels: See `AuxiliaryPixelClassifier`.
        num_classes: See `AuxiliaryPixelClassifier`.
        loss_weight: See `AuxiliaryPixelClassifier`.
        init_cfg: MMEngine initialization.

    Example:
        >>> classifier = MaskPooledClassifier(in_channels=8, num_classes=3)
        >>> shapes = (2, 1, 5, 4), (2, 1, 5, 8), (1, 8, 16, 16)
        >>> classifier.add_pooled_logits(*map(torch.rand, shapes)).shape
        torch.Size([2, 1, 5, 4])
    """

    pools: ClassVar[bool] = True

    def __init__(
        self, in_channels: int, num_classes: int, loss_weight: float = 1.0, init_cfg: dict | None = None
    ):
        super().__init__(init_cfg=init_cfg)
        self.pixels = AuxiliaryPixelClassifier(in_channels, num_classes, loss_weight)

    def loss(self, mask_features: Tensor, segments: Sequence[Segments]) -> dict[str, Tensor]:
        """See `AuxiliaryPixelClassifier.loss`."""
        return self.pixels.loss(mask_features, segments)

    def add_pooled_logits(self, class_logits: Tensor, embeddings: Tensor, mask_features: Tensor) -> Tensor:
        """Class logits ``(L, B, Q, K + 1)`` with the opinion of the pixels.

        The masks are taken as they are: their gradients come from the mask losses alone. The logit of
        no-object stays.

        Args:
            class_logits: ``(L, B, Q, K + 1)`` of the queries alone.
            embeddings: ``(L, B, Q, in_channels)`` mask embeddings.
            mask_features: ``(B, in_channels, h, w)``.
        """
        pixels, classifier = mask_features.flatten(2), self.pixels.classifier
        with torch.no_grad():
            masks = torch.einsum('lbqc,bcp->lbqp', embeddings, pixels).float().sigmoid()
            shares = masks / masks.sum(-1, keepdim=True).clamp(min=torch.finfo(masks.dtype).tiny)
        with torch.autocast(pixels.device.type, enabled=False):
            pooled = torch.einsum('lbqp,bcp->lbqc', shares, pixels.float())
            logits = F.linear(pooled, classifier.weight.flatten(1), classifier.bias)
        return class_logits + F.pad(logits, (0, 1)).to(class_logits)
