"""Match, normalise, and name the losses of every layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from ..functional.matching import Match
from ..functional.upsampled_losses import upsampled_mask_losses
from ..registry import MODELS, TASK_UTILS
from ..structures import MaskPrediction, Segments


@MODELS.register_module()
class MaskFormerCriterion(nn.Module):
    """The loss of mask classification, one for every task (paper, section 3.2).

    Every layer is matched anew and supervised alike. Mask losses are summed over matched masks and divided
    by the mean number of segments per process, at least one.

    Args:
        assigner: Config of the assigner.
        loss_cls: Config of the classification loss.
        loss_mask: Config of the first mask loss.
        loss_dice: Config of the second mask loss.
    """

    def __init__(
        self,
        assigner: dict | None = None,
        loss_cls: dict | None = None,
        loss_mask: dict | None = None,
        loss_dice: dict | None = None,
    ):
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner or dict(type='mmmaskformer.HungarianAssigner'))
        self.loss_cls = MODELS.build(loss_cls or dict(type='mmmaskformer.NoObjectCrossEntropyLoss'))
        self.loss_mask = MODELS.build(loss_mask or dict(type='mmmaskformer.MaskFocalLoss'))
        self.loss_dice = MODELS.build(loss_dice or dict(type='mmmaskformer.MaskDiceLoss'))

    def forward(
        self, predictions: Sequence[MaskPrediction], segments: Sequence[Segments]
    ) -> dict[str, Tensor]:
        """Losses of all layers.

        Args:
            predictions: One for each layer, the last layer last.
            segments: One for each image, at one size, that of the padded input.

        Returns:
            ``loss_cls``, ``loss_mask``, ``loss_dice`` of the last layer; ``d{i}.loss_cls`` ... of layer i.
        """
        matches = self.assigner(predictions, segments)
        class_losses = [self._class_loss(p, segments, m) for p, m in zip(predictions, matches)]
        mask_losses, dice_losses = self._mask_losses(predictions, segments, matches)
        losses = {}
        for i, values in enumerate(zip(class_losses, mask_losses, dice_losses)):
            prefix = '' if i == len(predictions) - 1 else f'd{i}.'
            losses.update(
                {f'{prefix}{name}': v for name, v in zip(('loss_cls', 'loss_mask', 'loss_dice'), values)}
            )
        return losses

    def _class_loss(
        self, prediction: MaskPrediction, segments: Sequence[Segments], matches: Sequence[Match]
    ) -> Tensor:
        no_object = prediction.class_logits.shape[-1] - 1
        labels = prediction.class_logits.new_full(
            prediction.class_logits.shape[:2], no_object, dtype=torch.int64
        )
        for row, target, (queries, indices) in zip(labels, segments, matches):
            row[queries] = target.labels[indices]
        return self.loss_cls(prediction.class_logits, labels)

    def _mask_losses(
        self,
        predictions: Sequence[MaskPrediction],
        segments: Sequence[Segments],
        matches: Sequence[Sequence[Match]],
    ) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Normalised mask losses of each layer: all layers' matched masks go through together."""
        offsets = torch.tensor([0, *(len(s) for s in segments)]).cumsum(0).tolist()
        logits = torch.cat(
            [
                p.mask_logits[i, queries]
                for p, layer in zip(predictions, matches)
                for i, (queries, _) in enumerate(layer)
            ]
        )
        index = torch.cat(
            [indices + offset for layer in matches for (_, indices), offset in zip(layer, offsets)]
        )
        counted = [s.valid.expand_as(s.masks) for s in segments if s.valid is not None]
        valid = torch.cat(counted) if counted else None
        terms = (self.loss_mask, self.loss_dice)
        targets = torch.cat([s.masks for s in segments])
        values = upsampled_mask_losses(logits, targets, index, [t.value_and_grad for t in terms], valid)
        scale = 1 / _mean_num_segments(segments, values)
        sums = [layer.sum(1) * scale for layer in values.split(self._masks_per_layer(matches), dim=1)]
        mask, dice = ([total[i] * term.loss_weight for total in sums] for i, term in enumerate(terms))
        return mask, dice

    @staticmethod
    def _masks_per_layer(matches: Sequence[Sequence[Match]]) -> list[int]:
        return [sum(len(queries) for queries, _ in layer) for layer in matches]


def _mean_num_segments(segments: Sequence[Segments], like: Tensor) -> Tensor:
    """Segments per process, averaged over processes so that gradients do not depend on the split; >= 1."""
    count = like.new_tensor(float(sum(len(s) for s in segments)))
    all_reduce(count, op='mean')
    return count.clamp(min=1)
