#!/usr/bin/env python
"""HuggingFace's models for speed.py, in an environment with torch and transformers alone.

    python huggingface_worker.py maskformer|detr|mask2former

Each line read names a task; the answer is a line of JSON: its seconds, or after ``memory`` its peak MiB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import torch
import transformers
from measure import peak_memory, seconds_of
from torch import Tensor, nn

Tasks = dict[str, Callable[[], object]]
TRAINED, PREDICTED = (512, 512), (800, 1216)
IMAGES, SEGMENTS = 2, 9


def maskformer() -> Tasks:
    """Swin-T with 150 classes. Without deep supervision: current releases fail with it."""
    config = transformers.MaskFormerConfig(backbone_config=swin_t(), num_labels=150, use_auxiliary_loss=False)
    model = transformers.MaskFormerForInstanceSegmentation(config)
    processor = transformers.MaskFormerImageProcessor()
    image = torch.randn(1, 3, *TRAINED)

    @torch.no_grad()
    def predict() -> object:
        outputs = model.eval()(pixel_values=image)
        return processor.post_process_semantic_segmentation(outputs, target_sizes=[TRAINED])

    return dict(train=training_step(model, **mask_targets()), predict=predict)


def mask2former() -> Tasks:
    """R50 with 133 classes, losses of all ten predictions."""
    config = transformers.Mask2FormerConfig(
        backbone_config=resnet50(), num_labels=133, use_auxiliary_loss=True, output_auxiliary_logits=True
    )
    model = transformers.Mask2FormerForUniversalSegmentation(config)
    processor = transformers.Mask2FormerImageProcessor()
    image = torch.randn(1, 3, *PREDICTED)

    @torch.no_grad()
    def predict() -> object:
        outputs = model.eval()(pixel_values=image)
        return processor.post_process_semantic_segmentation(outputs, target_sizes=[PREDICTED])

    return dict(train=training_step(model, **mask_targets()), predict=predict)


def detr() -> Tasks:
    """R50 with 250 outputs, and losses in every decoder layer, as officially; prediction ends with masks."""
    config = transformers.DetrConfig(
        use_timm_backbone=False,
        backbone=None,
        use_pretrained_backbone=False,
        backbone_config=resnet50(),
        num_labels=250,
        auxiliary_loss=True,
    )
    model = transformers.DetrForSegmentation(config)
    image = torch.randn(1, 3, *PREDICTED)
    boxes = torch.tensor([[(i + 0.5) / SEGMENTS, 0.5, 1 / SEGMENTS, 1.0] for i in range(SEGMENTS)])
    target = dict(class_labels=torch.arange(SEGMENTS), boxes=boxes, masks=stripes())

    @torch.no_grad()
    def predict() -> object:
        return model.eval()(pixel_values=image).pred_masks

    return dict(train=training_step(model, labels=[target] * IMAGES), predict=predict)


def swin_t() -> transformers.SwinConfig:
    """The backbone of the paper's Swin-T."""
    return transformers.SwinConfig(
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        drop_path_rate=0.3,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )


def resnet50() -> transformers.ResNetConfig:
    return transformers.ResNetConfig(out_features=['stage1', 'stage2', 'stage3', 'stage4'])


def stripes() -> Tensor:
    """``(SEGMENTS, H, W)`` bool masks that share an image."""
    numbers = torch.arange(TRAINED[0]) * SEGMENTS // TRAINED[0]
    return (numbers == torch.arange(SEGMENTS)[:, None])[:, None].expand(-1, TRAINED[0], -1)


def mask_targets() -> dict:
    return dict(mask_labels=[stripes().float()] * IMAGES, class_labels=[torch.arange(SEGMENTS)] * IMAGES)


def training_step(model: nn.Module, **targets: list) -> Callable[[], None]:
    images = torch.randn(IMAGES, 3, *TRAINED)

    def train() -> None:
        model.train()
        model(pixel_values=images, **targets).loss.backward()
        model.zero_grad()

    return train


def main() -> None:
    torch.manual_seed(0)
    known = dict(maskformer=maskformer, detr=detr, mask2former=mask2former)[sys.argv[1]]()
    print(json.dumps('ready'), flush=True)
    for line in sys.stdin:
        name, *memory = line.split()
        measure = peak_memory if memory else seconds_of
        print(json.dumps(measure(known[name], torch.device('cpu'))), flush=True)


if __name__ == '__main__':
    main()
