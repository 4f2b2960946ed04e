"""MaskFormer's criterion: matches every layer, computes its losses, normalizes and names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from ..functional.devices import small_pieces
from ..functional.mask_factors import LayerwiseFactors, MaskFactors, PlainPredictions
from ..functional.matching import MatchedPairs, flat_index
from ..registry import MODELS, TASK_UTILS
from ..structures import MaskPrediction, Segments
from .losses.matched_mask_losses import matched_mask_losses

Layers: TypeAlias = 'Sequence[MaskPrediction] | MaskFactors | LayerwiseFactors'
Factors: TypeAlias = 'MaskFactors | LayerwiseFactors | PlainPredictions'


@MODELS.register_module()
class MaskFormerCriterion(nn.Module):
    """The loss of mask classification, one for every task (paper, section 3.2).

    Every layer is matched anew and supervised alike. Mask losses are summed over matched masks and divided
    by the mean number of segments per process; processes that have none at all between them divide by what
    one would give. Gradients averaged over processes are then those of one process with all the images.

    The classification loss is a weighted mean within each process, as in the official implementation. With
    losses l_r and sums of weights w_r of R processes, what is averaged is sum(l_r) / R, where all the images
    in one process would give sum(w_r l_r) / sum(w_r): the same if all have as many segments.

    Args:
        assigner: Config of the assigner.
        loss_cls: Config of the classification loss: `NoObjectCrossEntropyLoss`, or a module that is called
            with logits ``(B, Q, K + 1)`` and labels ``(B, Q)`` and returns a scalar.
        loss_mask: Config of the first mask loss.
        loss_dice: Config of the second mask loss.
        chunk_pixels: Pixels of upsampled masks in work at a time, each of up to 32 bytes. None chooses by
            device: 2**25 (1 GiB) on GPUs, pieces that fit a cache on CPUs. Fewer need less memory and more
            launches.

    Raises:
        ValueError: ``chunk_pixels`` is not positive.
    """

    def __init__(
        self,
        assigner: dict | None = None,
        loss_cls: dict | None = None,
        loss_mask: dict | None = None,
        loss_dice: dict | None = None,
        chunk_pixels: int | None = None,
    ):
        super().__init__()
        if chunk_pixels is not None and chunk_pixels < 1:
            raise ValueError(f'chunk_pixels={chunk_pixels}: set it to 1 or more, or leave it out')
        self.chunk_pixels = chunk_pixels
        self.assigner = TASK_UTILS.build(assigner or dict(type='mmmaskformer.HungarianAssigner'))
        self.loss_cls = MODELS.build(loss_cls or dict(type='mmmaskformer.NoObjectCrossEntropyLoss'))
        self.loss_mask = MODELS.build(loss_mask or dict(type='mmmaskformer.MaskFocalLoss'))
        self.loss_dice = MODELS.build(loss_dice or dict(type='mmmaskformer.MaskDiceLoss'))

    def set_num_classes(self, num_classes: int) -> None:
        """Set the number of classes of the classification loss; called by the head.

        Raises:
            ValueError: The loss does not fit: it has weights of another number of classes, or does not take
                what the criterion gives.
        """
        if hasattr(self.loss_cls, 'set_num_classes'):
            self.loss_cls.set_num_classes(num_classes)
        else:
            _check_class_loss(self.loss_cls, num_classes)

    @torch.compiler.disable  # sizes vary from step to step, and matching runs on the host
    def forward(
        self,
        predictions: Layers,
        segments: Sequence[Segments],
    ) -> dict[str, Tensor]:
        """Losses of all layers.

        Args:
            predictions: One for each layer, the last layer last. Or what their mask logits are products of:
                then all masks live for the matching alone, without gradients, and those of matched queries
                are computed anew, with gradients, which makes a tenth of the backward pass.
            segments: One for each image, at one size, that of the padded input.

        Returns:
            ``loss_cls``, ``loss_mask``, ``loss_dice`` of the last layer; ``d{i}.loss_cls`` ... of layer i.
        """
        if isinstance(predictions, MaskFactors | LayerwiseFactors):
            factors: Factors = predictions
        else:
            factors = PlainPredictions(predictions)
        with torch.no_grad():
            matches = self.assigner(factors.predictions(), segments)
        pairs = flat_index(matches, [len(s) for s in segments])
        class_losses = self._class_losses(list(factors.class_logits), segments, pairs)
        mask_losses, dice_losses = self._mask_losses(factors.matched_logits(pairs), segments, pairs)
        losses = {}
        for i, values in enumerate(zip(class_losses, mask_losses, dice_losses)):
            prefix = '' if i == len(class_losses) - 1 else f'd{i}.'
            losses.update(
                {f'{prefix}{name}': v for name, v in zip(('loss_cls', 'loss_mask', 'loss_dice'), values)}
            )
        return losses

    def _class_losses(
        self,
        class_logits: list[Tensor],
        segments: Sequence[Segments],
        pairs: MatchedPairs,
    ) -> list[Tensor]:
        """Classification loss of each layer: queries without a segment are no-object."""
        num_images, num_queries, num_outputs = class_logits[0].shape
        labels = pairs.queries.new_full((len(class_logits), num_images, num_queries), num_outputs - 1)
        matched = torch.cat([s.labels for s in segments])[pairs.segments]
        labels[pairs.layers, pairs.images, pairs.queries] = matched
        together = getattr(self.loss_cls, 'of_layers', None)
        if together is None or small_pieces(labels.device):
            return [self.loss_cls(logits, layer) for logits, layer in zip(class_logits, labels)]
        return list(together(torch.stack(class_logits), labels))

    def _mask_losses(
        self, logits: Tensor, segments: Sequence[Segments], pairs: MatchedPairs
    ) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Normalized mask losses of each layer; the ``(M, h, w)`` masks of all layers go through together."""
        targets, valid = all_masks(segments)
        terms = (self.loss_mask, self.loss_dice)
        values = matched_mask_losses(terms, logits, targets, pairs.segments, valid, self.chunk_pixels)
        sums = pairs.sum_layers(values) / mean_num_segments(segments, values)
        mask, dice = ((total * term.loss_weight).unbind() for total, term in zip(sums, terms))
        return mask, dice


def all_masks(segments: Sequence[Segments]) -> tuple[Tensor, Tensor | None]:
    """Masks ``(S, H, W)`` of all images in a row, and the pixels that count for each; None if all do."""
    counted = [s.valid.expand_as(s.masks) for s in segments if s.valid is not None]
    return torch.cat([s.masks for s in segments]), torch.cat(counted) if counted else None


def mean_num_segments(segments: Sequence[Segments], like: Tensor) -> Tensor:
    """Segments of all processes, at least one, per process: gradients do not depend on the split."""
    count = like.new_full((), float(sum(len(s) for s in segments)))  # filled, not copied: no wait for a GPU
    all_reduce(count)
    return count.clamp(min=1) / get_world_size()


def _check_class_loss(loss: nn.Module, num_classes: int) -> None:
    """Try a loss of another package, whose layout of logits may be another."""
    num_queries = num_classes + 3  # no two sizes are equal
    labels = torch.arange(2 * num_queries).reshape(2, num_queries) % (num_classes + 1)
    try:
        value = loss(torch.zeros(*labels.shape, num_classes + 1), labels)
        fault = '' if isinstance(value, Tensor) and value.ndim == 0 else 'does not return a scalar'
    except Exception as error:
        fault = f'raises {type(error).__name__}'
    if fault:
        raise ValueError(
            f'loss_cls={type(loss).__name__} {fault} when it gets class logits (B, Q, K + 1) and labels '
            '(B, Q): use mmmaskformer.NoObjectCrossEntropyLoss, which has class_weight and no_object_weight.'
        )
