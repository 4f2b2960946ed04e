"""HuggingFace's MaskFormer on the same images and segments, with its own losses and post-processing."""

from __future__ import annotations

from typing import Any

import torch
from huggingface_worker import swin_t
from torch import Tensor, nn
from transformers import (
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    MaskFormerImageProcessor,
    ResNetConfig,
    SwinConfig,
)

from .cases import Case
from .timeline import Timeline

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
NUM_CLASSES = dict(semantic=150, panoptic=133)
NUM_THINGS = 80
STAGES = ['stage1', 'stage2', 'stage3', 'stage4']


def resnet(tiny: bool) -> ResNetConfig:
    """ResNet-50."""
    narrow = dict(embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type='basic')
    return ResNetConfig(out_features=STAGES, **(narrow if tiny else {}))


def swin(tiny: bool) -> SwinConfig:
    """Swin-T."""
    narrow = dict(embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])
    return SwinConfig(out_features=STAGES, **narrow) if tiny else swin_t()


BACKBONES = {'R50': resnet, 'Swin-T': swin}


class HuggingFaceSubject:
    """See :class:`gpu_parts.subjects.Subject`; ``batch`` is in our format."""

    note = 'without deep supervision: use_auxiliary_loss=True raises; other backbones, batch norms train'

    def __init__(self, case: Case, batch: dict):
        backbone = BACKBONES[case.backbone](case.tiny)
        # With intermediate losses, current releases raise TypeError in get_logits.
        config = MaskFormerConfig(
            backbone_config=backbone, num_labels=NUM_CLASSES[case.task], use_auxiliary_loss=False
        )
        self.model: Any = MaskFormerForInstanceSegmentation(config)
        self.case, self.batch = case, batch
        self.processor = MaskFormerImageProcessor()

    def loss(self) -> Tensor:
        masks, labels = zip(*(self._segments(sample) for sample in self.batch['data_samples']))
        return self.model(
            pixel_values=self._images(), mask_labels=list(masks), class_labels=list(labels)
        ).loss

    @torch.no_grad()
    def predict(self) -> object:
        outputs = self.model(pixel_values=self._images())
        sizes = [self.case.original_shape] * self.case.batch
        if self.case.task == 'semantic':
            return self.processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
        return self.processor.post_process_panoptic_segmentation(
            outputs,
            threshold=0.8,
            overlap_mask_area_threshold=0.8,
            label_ids_to_fuse=set(range(NUM_THINGS, NUM_CLASSES['panoptic'])),
            target_sizes=sizes,
        )

    def parts_to_compile(self) -> list[nn.Module]:
        inner = self.model.model
        pixels = inner.pixel_level_module
        return [pixels.encoder, pixels.decoder, inner.transformer_module.decoder]

    def watch(self, timeline: Timeline) -> None:
        timeline.watch(self, '_images', 'preprocessing')
        timeline.watch(self, '_segments', 'preprocessing')
        timeline.watch(self.model.model.pixel_level_module.encoder, None, 'backbone')
        timeline.watch(self.model, None, 'decoders')
        timeline.watch(self.model, 'get_loss_dict', 'losses')
        timeline.watch(self.model.matcher, None, 'matching')

    def be_confident(self, class_logits: Tensor) -> None:
        from .subjects import FixedClasses

        self.model.class_predictor = FixedClasses(class_logits)

    def _images(self) -> Tensor:
        images = torch.stack(self.batch['inputs']).to(self.model.device).float()
        mean, std = (images.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        return (images - mean) / std

    def _segments(self, sample: Any) -> tuple[Tensor, Tensor]:
        """Masks ``(S, H, W)`` and labels ``(S,)`` on the device."""
        device = self.model.device
        if self.case.task == 'semantic':
            label_map = sample.gt_sem_seg.data[0].to(device)
            labels = label_map.unique()
            return (label_map == labels[:, None, None]).float(), labels
        numbers = torch.tensor([segment['id'] for segment in sample.gt_segments_info], device=device)
        labels = torch.tensor([segment['category_id'] for segment in sample.gt_segments_info], device=device)
        ids = sample.gt_panoptic_seg.data[0].to(device)
        return (ids == numbers[:, None, None]).float(), labels
