"""DETR's criterion: matches by class and box; classes and boxes of every layer, masks of the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..functional.devices import constants
from ..functional.matching import MatchedPairs, flat_index
from ..registry import MODELS
from ..structures import BoxPrediction, Segments
from .criterion import MaskFormerCriterion, mean_num_segments


@MODELS.register_module()
class DETRCriterion(MaskFormerCriterion):
    """The losses of panoptic DETR (Carion et al., ECCV 2020, sections 3.1 and 4.2).

    Masks play no part in the matching, so those of matched queries are all that training computes. Box and
    mask losses are normalized as in `MaskFormerCriterion`.

    Args:
        assigner: Config of the assigner, `BoxAssigner` by default.
        loss_cls: Config of the classification loss.
        loss_bbox: Config of the first box loss, `BoxL1Loss` by default.
        loss_giou: Config of the second box loss, `BoxGIoULoss` by default.
        loss_mask: Config of the first mask loss, by default focal with weight 1.
        loss_dice: Config of the second mask loss, by default dice with weight 1.
    """

    def __init__(
        self,
        assigner: dict | None = None,
        loss_cls: dict | None = None,
        loss_bbox: dict | None = None,
        loss_giou: dict | None = None,
        loss_mask: dict | None = None,
        loss_dice: dict | None = None,
    ):
        super().__init__(
            assigner or dict(type='mmmaskformer.BoxAssigner'),
            loss_cls,
            loss_mask or dict(type='mmmaskformer.MaskFocalLoss', loss_weight=1.0),
            loss_dice,
        )
        self.loss_bbox = MODELS.build(loss_bbox or dict(type='mmmaskformer.BoxL1Loss'))
        self.loss_giou = MODELS.build(loss_giou or dict(type='mmmaskformer.BoxGIoULoss'))

    @torch.compiler.disable  # sizes vary from step to step, and matching runs on the host
    def forward(
        self, predictions: Sequence[BoxPrediction], segments: Sequence[Segments], masks: Any = None
    ) -> dict[str, Tensor]:
        """Losses of all layers, and two measures.

        Args:
            predictions: One for each layer, the last layer last.
            segments: One for each image, with boxes.
            masks: Its ``matched_logits`` gives the masks of matched pairs; None for a model of boxes alone.

        Returns:
            ``loss_cls``, ``loss_bbox``, ``loss_giou``, ``loss_mask`` and ``loss_dice`` of the last layer; the
            first three as ``d{i}.loss_cls`` ... of layer i. Measures of the last layer, which are logged
            alone: ``class_error``, percentage of matched queries of another class; ``cardinality_error``,
            mean difference between the numbers of objects found and annotated.
        """
        num_segments = [len(s) for s in segments]
        matches = self.assigner(predictions, segments)
        pairs = flat_index(matches, num_segments)
        class_losses = self._class_losses([p.class_logits for p in predictions], segments, pairs)
        losses: dict[str, Tensor] = {}
        for i, values in enumerate(zip(class_losses, *self._box_losses(predictions, segments, pairs))):
            prefix = '' if i == len(predictions) - 1 else f'd{i}.'
            names = ('loss_cls', 'loss_bbox', 'loss_giou')
            losses.update({f'{prefix}{name}': value for name, value in zip(names, values)})
        last = flat_index(matches[-1:], num_segments)
        if masks is not None:
            mask, dice = self._mask_losses(masks.matched_logits(last), segments, last)
            losses.update(loss_mask=mask[0], loss_dice=dice[0])
        return {**losses, **_measures(predictions[-1].class_logits, segments, last)}

    def _box_losses(
        self, predictions: Sequence[BoxPrediction], segments: Sequence[Segments], pairs: MatchedPairs
    ) -> list[tuple[Tensor, ...]]:
        """Normalized box losses of each layer, in float32."""
        boxes = torch.stack([p.boxes for p in predictions])[pairs.layers, pairs.images, pairs.queries]
        targets = torch.cat([_boxes(s) for s in segments])[pairs.segments]
        with torch.autocast(boxes.device.type, enabled=False):
            boxes = boxes.float()
            values = torch.stack([loss(boxes, targets) for loss in (self.loss_bbox, self.loss_giou)])
        sums = pairs.sum_layers(values) / mean_num_segments(segments, values)
        return [layers.unbind() for layers in sums]


def _boxes(segments: Segments) -> Tensor:
    assert segments.boxes is not None
    return segments.boxes


@torch.no_grad()
def _measures(class_logits: Tensor, segments: Sequence[Segments], pairs: MatchedPairs) -> dict[str, Tensor]:
    labels = torch.cat([s.labels for s in segments])[pairs.segments]
    found = class_logits.argmax(-1)
    matched = found[pairs.images, pairs.queries]
    error = (matched != labels).float().mean() if len(labels) else class_logits.new_ones(())
    counts = (found != class_logits.shape[-1] - 1).sum(1)
    wanted = constants([len(s) for s in segments], counts.device)
    return dict(class_error=100 * error, cardinality_error=(counts - wanted).abs().float().mean())
