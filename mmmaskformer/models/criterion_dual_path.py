"""The criterion of MaX-DeepLab's own network: deeplab2's losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..functional.matching import Match
from ..functional.max_deeplab_inference import slot_log_odds
from ..functional.slot_targets import SlotTargets
from ..registry import MODELS, TASK_UTILS
from ..structures import MaskPrediction
from .criterion_max_deeplab import PQ_STYLE_MATCHING


@MODELS.register_module()
class DualPathCriterion(nn.Module):
    """Matching and losses of MaX-DeepLab as deeplab2 has them, in float32.

    `MaXDeepLabCriterion` has the paper's for MaskFormer's network. Here the PQ-style loss has two terms, and
    pixels of crowds have a class. Each loss is a mean over images, and over pixels or slots within one, so
    nothing is exchanged between processes.

    Args:
        assigner: Config of the assigner. By default the PQ-style similarity is maximized.
        loss_pq: Config of the PQ-style loss.
        loss_mask_id: Config of the mask-ID cross entropy.
        loss_instance: Config of the instance discrimination.
        semantic_weight: Factor of the semantic branch's cross entropy.
        crowd_gradient: Let pixels of crowds, which belong to no segment, push all slots' logits down, as
            deeplab2 does: TensorFlow's cross entropy with no label is 0, but its gradient is the softmax.
    """

    def __init__(
        self,
        assigner: dict | None = None,
        loss_pq: dict | None = None,
        loss_mask_id: dict | None = None,
        loss_instance: dict | None = None,
        semantic_weight: float = 1.0,
        crowd_gradient: bool = True,
    ):
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner or PQ_STYLE_MATCHING)
        self.loss_pq = MODELS.build(loss_pq or dict(type='mmmaskformer.PQStyleTermsLoss'))
        self.loss_mask_id = MODELS.build(loss_mask_id or dict(type='mmmaskformer.MaskIDLoss'))
        self.loss_instance = MODELS.build(
            loss_instance or dict(type='mmmaskformer.InstanceDiscriminationLoss', normalize=False)
        )
        self.semantic_weight = semantic_weight
        self.crowd_gradient = crowd_gradient

    @torch.compiler.disable  # sizes vary from step to step, and matching runs on the host
    def forward(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        embedding: Tensor,
        semantic_logits: Tensor,
        targets: Sequence[SlotTargets],
    ) -> dict[str, Tensor]:
        """``loss_cls`` and ``loss_dice`` (PQ-style), ``loss_mask_id``, ``loss_instance``, ``loss_semantic``.

        Args:
            class_logits: ``(B, N, K + 1)``.
            mask_logits: ``(B, N, h, w)`` logits of the slots' softmax.
            embedding: ``(B, D, h, w)`` of the pixels.
            semantic_logits: ``(B, K + 1, h, w)`` of the semantic branch; the last class is void.
            targets: One for each image, at the masks' resolution.
        """
        with torch.autocast(mask_logits.device.type, enabled=False):
            predicted = [p.float() for p in (class_logits, mask_logits, embedding, semantic_logits)]
            prediction = MaskPrediction(predicted[0], slot_log_odds(predicted[1]))
            (matches,) = self.assigner([prediction], [target.segments for target in targets])
            images = zip(*predicted, prediction.mask_logits, targets, matches)
            losses = torch.stack([torch.stack(self._image_losses(*image)) for image in images]).mean(0)
        names = ('loss_cls', 'loss_dice', 'loss_mask_id', 'loss_instance', 'loss_semantic')
        return dict(zip(names, losses))

    def _image_losses(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        embedding: Tensor,
        semantic_logits: Tensor,
        mask_log_odds: Tensor,
        target: SlotTargets,
        match: Match,
    ) -> list[Tensor]:
        segments, slots = target.segments, mask_log_odds.flatten(1)
        masks, embedding = segments.masks.flatten(1), embedding.flatten(1)
        assert segments.valid is not None
        valid = segments.valid.flatten()
        pq = self.loss_pq(class_logits, slots, segments.labels, masks, valid, match)
        mask_id = self.loss_mask_id(slots, masks, match)
        instance = self.loss_instance(embedding, segments.labels, masks, target.is_thing)
        if self.crowd_gradient:
            crowd = valid & ~masks.any(0)
            mask_id = mask_id + self.loss_mask_id.loss_weight * push(mask_logits.flatten(1), crowd, masks)
        semantic = self.semantic_weight * self._semantic_loss(semantic_logits, target.classes)
        return [*pq, mask_id, instance, semantic]

    @staticmethod
    def _semantic_loss(logits: Tensor, classes: Tensor) -> Tensor:
        """Cross entropy ``(K + 1, h, w)``, mean over the pixels that have a class."""
        void = logits.shape[0] - 1
        total = F.cross_entropy(logits[None], classes[None], ignore_index=void, reduction='sum')
        return total / (classes != void).sum().clamp(min=1)


def push(logits: Tensor, pixels: Tensor, masks: Tensor) -> Tensor:
    """Zero, with the gradient of the softmax over slots: that of a cross entropy with no label.

    Args:
        logits: ``(N, P)``.
        pixels: ``(P,)`` bool, those without a label.
        masks: ``(S, P)`` bool; the mean is over their pixels, which have a loss.
    """
    total = logits.logsumexp(0)[pixels].sum() / masks.any(0).sum().clamp(min=1)
    return total - total.detach()
