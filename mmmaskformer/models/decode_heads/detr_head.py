"""DETR's head: classes and boxes, and masks for panoptic segmentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...functional.boxes import detr_boxes
from ...functional.detr_inference import detr_instance_queries, detr_instances, detr_segments
from ...functional.devices import constants
from ...functional.mask_factors import WantedQueries
from ...functional.padding import ValidSizes, valid_sizes
from ...registry import MODELS
from ...structures import BoxedMaskPrediction, Segments
from ..layers import MLP
from .base import EVERY_LAYER, LAST_LAYER
from .detr_factors import DETRFactors, MaskFactory
from .mask_classification import MaskClassificationHead


@MODELS.register_module()
class DETRHead(MaskClassificationHead):
    """Panoptic DETR (Carion et al., ECCV 2020): queries find boxes of things and stuff, and then their masks.

    Every default is the paper's; for another data set ``num_classes`` is all that changes. Training on boxes
    alone comes first, with ``with_masks=False``; then the mask head learns alone, with
    ``frozen_detector=True`` and the first checkpoint in ``load_from``. Both at once works as well.

    Padding of a training batch is left out of attention. In prediction there is none: each image runs at its
    own size.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of queries, at least the number of segments in any training image.
        encoder: Config of the encoder, `DETREncoder` by default.
        transformer_decoder: Config of the transformer decoder, `MaskFormerTransformerDecoder` by default.
        with_masks: Whether masks are predicted, or boxes alone.
        mask_head: Config of the mask head, `DETRMaskHead` by default.
        frozen_detector: Train the mask head alone. Also set ``backbone.frozen_stages=4``.
        class_columns: Output of each class among those of the classifier, which are the categories' ids in
            the released models; by default the classes are the outputs.
        num_columns: Number of these outputs, no-object not counted. Those of no class count as no-object in
            prediction.
        criterion: Config of the criterion, `DETRCriterion` by default.
        **kwargs: As `MaskClassificationHead`.

    Raises:
        ValueError: ``class_columns`` does not fit ``num_classes`` or ``num_columns``, or there are no masks
            to train.
    """

    query_rows: ClassVar[tuple[str, ...]] = ('transformer_decoder.query_embed.weight',)
    predicts_unpadded = True
    panoptic_segments = staticmethod(detr_segments)
    instances = staticmethod(detr_instances)
    instance_queries = staticmethod(detr_instance_queries)

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 100,
        encoder: dict | None = None,
        transformer_decoder: dict | None = None,
        with_masks: bool = True,
        mask_head: dict | None = None,
        frozen_detector: bool = False,
        class_columns: Sequence[int] | None = None,
        num_columns: int | None = None,
        criterion: dict | None = None,
        **kwargs: Any,
    ):
        super().__init__(num_classes, **kwargs)
        self.predicts_masks = with_masks
        self.class_columns = _checked_columns(class_columns, num_classes, num_columns)
        self.num_columns = num_columns or num_classes
        encoder = encoder or dict(type='mmmaskformer.DETREncoder')
        self.encoder = MODELS.build({**encoder, 'in_channels': in_channels[-1]})
        channels = self.encoder.channels
        decoder = transformer_decoder or dict(type='mmmaskformer.MaskFormerTransformerDecoder')
        shape = dict(in_channels=channels, channels=channels, num_queries=num_queries)
        self.transformer_decoder = MODELS.build({**decoder, **shape})
        self.class_embed = nn.Linear(channels, self.num_columns + 1)
        self.bbox_embed = MLP(channels, channels, 4, num_layers=3)
        self.mask_head = None
        if with_masks:
            mask_head = mask_head or dict(type='mmmaskformer.DETRMaskHead')
            self.mask_head = MODELS.build({**mask_head, 'in_channels': in_channels, 'channels': channels})
        self.criterion = MODELS.build(criterion or dict(type='mmmaskformer.DETRCriterion'))
        self.criterion.set_num_classes(self.num_columns)
        if frozen_detector:
            self._freeze_detector()

    @property
    def class_rows(self) -> dict[str, int]:  # type: ignore[override]
        """Parameters with a row for each class, and the number of their further rows."""
        further = self.num_columns + 1 - self.num_classes
        return {'class_embed.weight': further, 'class_embed.bias': further}

    def forward(
        self,
        features: Sequence[Tensor],
        valid: ValidSizes = None,
        finish: Callable[[DETRFactors], Any] = DETRFactors.last_layer,
    ) -> Any:
        """Predictions (figure 2, and figure 8 for masks).

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            valid: Rows and columns of each image that are not padding in the last of them; None stands for
                all.
            finish: Makes the result; by default the prediction of the last layer, with all its masks.

        Returns:
            A `BoxedMaskPrediction`, or what ``finish`` returns.

        Example:
            >>> head = DETRHead(in_channels=[8, 16, 32, 64], num_classes=3)
            >>> maps = [torch.rand(1, 8 * 2**i, 32 // 2**i, 32 // 2**i) for i in range(4)]
            >>> head(maps).mask_logits.shape
            torch.Size([1, 100, 32, 32])
        """
        factors = self._decode(features, valid, LAST_LAYER)
        return finish(factors._replace(class_logits=self._of_classes(factors.class_logits)))

    def predict_masks(self, features: Sequence[Tensor]) -> BoxedMaskPrediction:  # type: ignore[override]
        """Prediction of the last decoder layer for a batch without padding, with all masks."""
        return self(features)

    def predict_each(
        self, features: Sequence[Tensor], wanted: WantedQueries | None = None
    ) -> list[BoxedMaskPrediction]:
        """Prediction of the last decoder layer, image by image, without batch dimension.

        Args:
            features: Backbone features of images without padding, ``(B, C_i, h_i, w_i)``, finest first.
            wanted: Tells by class logits ``(B, Q, K + 1)`` which queries ``(B, Q)`` are of interest; None
                keeps all. No other masks are computed.
        """
        return self(features, finish=lambda factors: factors.images(wanted))

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of all layers; see `DETRCriterion`, and `MaskFormerHead.loss` for the arguments."""
        segments = self.targets(data_samples)
        padded = (segments[0].masks.shape[-2], segments[0].masks.shape[-1])
        images = [tuple(sample.metainfo.get('img_shape', padded)[:2]) for sample in data_samples]
        targets = [self._targets(*one) for one in zip(segments, images)]
        cells = (features[-1].shape[-2], features[-1].shape[-1])
        valid = valid_sizes(images, padded, cells)
        factors = self._decode(features, valid, EVERY_LAYER)
        return self.criterion(factors.layers(), targets, factors.masks)

    def _decode(self, features: Sequence[Tensor], valid: ValidSizes, layers: slice) -> DETRFactors:
        """Class logits, of all outputs, and boxes of the layers of interest, and what masks are made of."""
        projected, memory = self.encoder(features[-1], valid)
        queries = self.transformer_decoder(memory, valid)[layers]
        masks = None
        if self.mask_head is not None:
            inputs = self.mask_head.prepare(projected, memory, features, valid)
            masks = MaskFactory(self.mask_head, queries[-1], inputs)
        return DETRFactors(self.class_embed(queries), self.bbox_embed(queries).sigmoid(), masks)

    def _of_classes(self, logits: Tensor) -> Tensor:
        """Class logits of all outputs -> ``(..., K + 1)`` of the classes and no-object."""
        if self.class_columns is None:
            return logits
        log_prob = logits.float().log_softmax(-1)
        columns = constants(self.class_columns, logits.device)
        no_class = torch.ones(log_prob.shape[-1], dtype=torch.bool, device=logits.device)
        no_class = no_class.index_fill(0, columns, False)
        rest = log_prob.masked_fill(~no_class, -torch.inf).logsumexp(-1, keepdim=True)
        return torch.cat([log_prob[..., columns], rest], -1)

    def _targets(self, segments: Segments, image: tuple[int, int]) -> Segments:
        """Segments with their boxes, and labels that are outputs of the classifier."""
        labels = segments.labels
        if self.class_columns is not None:
            labels = constants(self.class_columns, labels.device)[labels]
        return replace(segments, labels=labels, boxes=detr_boxes(segments.masks, image))

    def _freeze_detector(self) -> None:
        if self.mask_head is None:
            raise ValueError('frozen_detector=True leaves the mask head to train: set with_masks=True')
        for part in (self.encoder, self.transformer_decoder, self.class_embed, self.bbox_embed):
            part.requires_grad_(False)


def _checked_columns(
    columns: Sequence[int] | None, num_classes: int, num_columns: int | None
) -> list[int] | None:
    """The outputs of the classes.

    Raises:
        ValueError: They are not as many as the classes, not different, or not among the outputs.
    """
    if columns is None:
        if num_columns not in (None, num_classes):
            raise ValueError(f'num_columns={num_columns} is not num_classes={num_classes}: set class_columns')
        return None
    found = [int(column) for column in columns]
    if len(found) != num_classes or len({*found}) != num_classes:
        raise ValueError(
            f'class_columns has {len({*found})} different numbers, expected one for each of '
            f'num_classes={num_classes} classes'
        )
    if num_columns is None or not 0 <= min(found) <= max(found) < num_columns:
        raise ValueError(
            f'class_columns has numbers from {min(found)} to {max(found)}, but num_columns is {num_columns}: '
            f'set it to {max(found) + 1} or more'
        )
    return found
