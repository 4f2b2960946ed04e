"""MaX-DeepLab's criterion: matches slots and segments, computes the losses and names them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..functional.host_steps import together
from ..functional.matching import Match
from ..functional.targets import segments_at
from ..registry import MODELS, TASK_UTILS
from ..structures import MaskPrediction, Segments

PQ_STYLE_MATCHING = dict(type='mmmaskformer.HungarianAssigner', costs=[dict(type='mmmaskformer.PQStyleCost')])


@MODELS.register_module()
class MaXDeepLabCriterion(nn.Module):
    """The losses of MaX-DeepLab (Wang et al., CVPR 2021, sections 3.2 and 3.3), in float32.

    All are taken at the resolution of the predicted masks, to which segments are nearest-downsampled; those
    that have no pixel there are left out. Each is a mean over images, and over pixels or slots within one,
    so nothing is exchanged between processes.

    Args:
        assigner: Config of the assigner. By default the PQ-style similarity is maximized.
        loss_pq: Config of the PQ-style loss.
        loss_mask_id: Config of the mask-ID cross entropy.
        loss_instance: Config of the instance discrimination.
        loss_semantic: Config of the auxiliary semantic loss.
        deep_supervision: Apply the first two after every decoder layer, as MaskFormer does, and not at the
            output alone, as MaX-DeepLab does. The other two are losses of pixels, not of decoder layers.
    """

    def __init__(
        self,
        assigner: dict | None = None,
        loss_pq: dict | None = None,
        loss_mask_id: dict | None = None,
        loss_instance: dict | None = None,
        loss_semantic: dict | None = None,
        deep_supervision: bool = False,
    ):
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner or PQ_STYLE_MATCHING)
        self.loss_pq = MODELS.build(loss_pq or dict(type='mmmaskformer.PQStyleLoss'))
        self.loss_mask_id = MODELS.build(loss_mask_id or dict(type='mmmaskformer.MaskIDLoss'))
        self.loss_instance = MODELS.build(
            loss_instance or dict(type='mmmaskformer.InstanceDiscriminationLoss')
        )
        self.loss_semantic = MODELS.build(loss_semantic or dict(type='mmmaskformer.AuxiliarySemanticLoss'))
        self.deep_supervision = deep_supervision

    @torch.compiler.disable  # sizes vary from step to step, and matching runs on the host
    def forward(
        self,
        predictions: Sequence[MaskPrediction],
        segments: Sequence[Segments],
        embedding: Tensor,
        semantic_logits: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of the predictions that are given, the last layer last.

        Args:
            predictions: Of each supervised layer; mask logits are log-odds of the slots.
            segments: One for each image, at one size, that of the padded input.
            embedding: ``(B, D, h, w)`` of the pixels.
            semantic_logits: ``(B, K, h, w)`` of the auxiliary classifier.

        Returns:
            ``loss_pq``, ``loss_mask_id`` (``d{i}.loss_pq`` ... of an earlier layer i), ``loss_instance``
            and ``loss_semantic``.
        """
        height, width = predictions[-1].mask_logits.shape[-2:]
        with torch.autocast(embedding.device.type, enabled=False):
            targets = together([segments_at.steps(s, (height, width)) for s in segments])
            losses: dict[str, Tensor] = {}
            for i, (prediction, matches) in enumerate(zip(predictions, self.assigner(predictions, targets))):
                prefix = '' if i == len(predictions) - 1 else f'd{i}.'
                names = (f'{prefix}loss_pq', f'{prefix}loss_mask_id')
                losses.update(zip(names, self._slot_losses(prediction, targets, matches)))
            pixel_losses = self._pixel_losses(embedding.float(), semantic_logits.float(), targets)
            losses.update(zip(('loss_instance', 'loss_semantic'), pixel_losses))
        return losses

    def _slot_losses(
        self, prediction: MaskPrediction, targets: Sequence[Segments], matches: Sequence[Match]
    ) -> Tensor:
        """PQ-style loss and mask-ID cross entropy ``(2,)`` of one layer."""
        values = []
        for class_logits, mask_logits, target, match in zip(*prediction, targets, matches):
            classes, slots = class_logits.float(), mask_logits.float()
            slots, masks = slots.flatten(1), target.masks.flatten(1)
            valid = None if target.valid is None else target.valid.flatten()
            pq = self.loss_pq(classes, slots, target.labels, masks, match, valid)
            values.append(torch.stack([pq, self.loss_mask_id(slots, masks, match)]))
        return torch.stack(values).mean(0)

    def _pixel_losses(
        self, embedding: Tensor, semantic_logits: Tensor, targets: Sequence[Segments]
    ) -> Tensor:
        """Instance discrimination and auxiliary semantic loss ``(2,)``."""
        values = []
        for features, logits, target in zip(embedding.flatten(2), semantic_logits.flatten(2), targets):
            ground_truth = target.labels, target.masks.flatten(1)
            values.append(
                torch.stack(
                    [self.loss_instance(features, *ground_truth), self.loss_semantic(logits, *ground_truth)]
                )
            )
        return torch.stack(values).mean(0)
