"""The heads of MaX-DeepLab on its own network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ...functional.max_deeplab_inference import dual_path_segments, slot_log_odds
from ...functional.semantic_inference import add_rest, semantic_scores
from ...functional.slot_targets import SlotTargets, targets_of_ids, targets_of_labels
from ...registry import MODELS
from ...structures import MaskPrediction
from ..layers.normed_conv import NormedConv, SeparableConv
from ..semantic_branch import SemanticBranch
from .base import SegmentationHead, input_size, named_label_errors

MASK_STRIDE = 4
VOID_PRIOR = 0.9


@MODELS.register_module()
class DualPathHead(SegmentationHead):
    """Classes of the memory's rows, and masks as products of rows and pixels (Wang et al., CVPR 2021).

    The head of `DualPathTransformer`. Slots share every pixel by a softmax: mask logits are log-odds of it,
    as those of `MaXDeepLabHead`, so that every function for MaskFormer's predictions serves here too. In
    training a semantic branch learns beside them.

    Args:
        in_channels: Channels of the backbone's low, middle, semantic and pixel features, and of its memory.
        num_classes: Number of classes, no-object not counted.
        slot_channels: Channels of the slots' class and mask features.
        embedding_channels: Channels of pixels and of masks where they are multiplied.
        pixel_channels: Channels of the pixel head before.
        semantic_channels: Channels of the semantic branch.
        low_channels: Channels to which stages 3 and 2 are projected in it.
        semantic_head_channels: Channels before its classifier.
        atrous_rates: Its dilations.
        pool_window: Pooled window in it, in pixels of its input; None pools the whole map.
        dropout: In it.
        criterion: Config of the criterion, `DualPathCriterion` by default.
        norm_cfg: Config of the batch norms: ``SyncBN`` where several GPUs train.
        ignore_index: Label of pixels that belong to no class.
        allow_class_mismatch: Load checkpoints trained on other classes, all but what belongs to a class.
        init_cfg: MMEngine initialization.
    """

    class_rows: ClassVar[dict[str, int]] = {
        'class_embed.weight': 1,
        'class_embed.bias': 1,
        'semantic_branch.classifier.weight': 1,
        'semantic_branch.classifier.bias': 1,
    }
    mask_stride = MASK_STRIDE
    panoptic_segments = staticmethod(dual_path_segments)

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        slot_channels: int = 256,
        embedding_channels: int = 128,
        pixel_channels: int = 256,
        semantic_channels: int = 256,
        low_channels: Sequence[int] = (64, 32),
        semantic_head_channels: int = 256,
        atrous_rates: Sequence[int] = (6, 12, 18),
        pool_window: int | None = None,
        dropout: float = 0.1,
        criterion: dict | None = None,
        norm_cfg: dict | None = None,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(num_classes, ignore_index, allow_class_mismatch, init_cfg)
        norm_cfg = norm_cfg or dict(type='BN', momentum=0.01, eps=1e-3)
        *low_middle_deep, pixels, memory = in_channels
        self.class_feature = NormedConv(memory, slot_channels, 1, norm_cfg)
        self.mask_feature = NormedConv(memory, slot_channels, 1, norm_cfg)
        self.class_embed = nn.Conv2d(slot_channels, num_classes + 1, 1)
        self.mask_embed = NormedConv(slot_channels, embedding_channels, 1, norm_cfg, act=False)
        self.pixel_embed = nn.Sequential(
            SeparableConv(pixels, pixel_channels, 5, norm_cfg),
            nn.Conv2d(pixel_channels, embedding_channels, 1),
            build_norm_layer(norm_cfg, embedding_channels)[1],
        )
        self.norm_masks = build_norm_layer(norm_cfg, 1)[1]
        self.semantic_branch = SemanticBranch(
            low_middle_deep,
            num_classes,
            semantic_channels,
            low_channels,
            semantic_head_channels,
            atrous_rates,
            pool_window,
            dropout,
            norm_cfg,
        )
        self.criterion = MODELS.build(criterion or dict(type='mmmaskformer.DualPathCriterion'))
        self.void_prior = math.log(num_classes * VOID_PRIOR / (1 - VOID_PRIOR))
        nn.init.trunc_normal_(self.class_embed.weight, std=0.01)
        nn.init.constant_(self.class_embed.bias, 0.0)  # type: ignore[arg-type]
        nn.init.constant_(self.norm_masks.weight, 0.1)

    def forward(self, features: Sequence[Tensor]) -> list[MaskPrediction]:
        """The prediction, in a list as those of heads with several layers.

        Args:
            features: `DualPathFeatures`.
        """
        return [self.predict_masks(features)]

    def predict_masks(self, features: Sequence[Tensor]) -> MaskPrediction:
        """The prediction; mask logits are log-odds of the slots, ``(B, N, H / 4, W / 4)``."""
        *_, pixels, memory = features
        class_logits, mask_logits, _ = self.logits(pixels, memory)
        with torch.autocast(mask_logits.device.type, enabled=False):
            return MaskPrediction(class_logits, slot_log_odds(mask_logits.float()))

    def logits(self, pixels: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Class logits ``(B, N, K + 1)``, logits of the slots' softmax ``(B, N, h, w)``, and pixel embedding.

        Void has a constant prior, in training and in prediction, as in deeplab2. The embedding
        ``(B, D, h, w)`` has length 1.
        """
        classes = self.class_embed(self.class_feature(memory))[:, :, 0].mT
        classes = classes + F.pad(classes.new_tensor([self.void_prior]), (self.num_classes, 0))
        masks = self.mask_embed(self.mask_feature(memory))[:, :, 0]
        embedding = F.normalize(self.pixel_embed(pixels), dim=1)
        products = torch.einsum('bdn,bdhw->bnhw', masks, embedding)
        normed = self.norm_masks(products[:, None].flatten(-2))[:, 0]
        return classes, normed.unflatten(-1, embedding.shape[-2:]), embedding

    def predict_each(
        self, features: Sequence[Tensor], wanted: Callable[[Tensor], Tensor] | None = None
    ) -> list[MaskPrediction]:
        """The prediction, image by image, without batch dimension.

        Args:
            features: `DualPathFeatures`.
            wanted: Not used: slots share the pixels, so all are computed.
        """
        return [MaskPrediction(*image) for image in zip(*self.predict_masks(features))]

    def predict(
        self, features: Sequence[Tensor], batch_img_metas: Sequence[dict], test_cfg: dict | None
    ) -> Tensor:
        """Semantic scores ``(B, K, H, W)``, as `MaskFormerHead.predict`."""
        size = input_size(batch_img_metas[0], test_cfg)
        return add_rest(semantic_scores(self.predict_masks(features), size, MASK_STRIDE))

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of the slots, of the pixels and of the semantic branch.

        Args:
            features: `DualPathFeatures`.
            data_samples: As `MaskFormerHead.loss`.
            train_cfg: Not used; mmseg passes it.

        Raises:
            ValueError: A label is out of range, or an image has more segments than there are slots.
        """
        low, middle, semantic, pixels, memory = features
        targets = self.targets(data_samples)
        self._check_slots(targets, memory.shape[-1])
        predicted = self.logits(pixels, memory)
        return self.criterion(*predicted, self.semantic_branch(low, middle, semantic), targets)

    def _make_targets(self, data_samples: Sequence[SegDataSample]) -> list[SlotTargets]:
        return [self._targets(sample) for sample in data_samples]

    def _targets(self, sample: SegDataSample) -> SlotTargets:
        """The ground truth of one image at stride 4, from its segments if it has them, else its label map."""
        with named_label_errors(sample):
            if 'gt_panoptic_seg' in sample:
                ids, info = sample.gt_panoptic_seg.data, sample.gt_segments_info
                return targets_of_ids(ids, info, self.num_classes, MASK_STRIDE)
            if 'gt_sem_seg' not in sample:
                raise ValueError(
                    'the sample has neither gt_panoptic_seg nor gt_sem_seg: give the data set the path of '
                    'its annotations, and load them in the training pipeline'
                )
            labels = sample.gt_sem_seg.data.squeeze(0)
            return targets_of_labels(labels, self.num_classes, self.ignore_index, MASK_STRIDE)

    @staticmethod
    def _check_slots(targets: Sequence[SlotTargets], num_slots: int) -> None:
        most = max(len(target.segments) for target in targets)
        if most > num_slots:
            raise ValueError(
                f'an image has {most} segments but there are only {num_slots} mask slots: set '
                f'backbone.num_slots to at least {most}'
            )
