#!/usr/bin/env python
"""HuggingFace's MaskFormer, for speed.py, in an environment with torch and transformers alone.

Each line read names a task; the answer is a line of JSON: its seconds, or after ``memory`` its peak MiB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import torch
from measure import peak_memory, seconds_of
from transformers import (
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    MaskFormerImageProcessor,
    SwinConfig,
)

SIZE, IMAGES, SEGMENTS, CLASSES = 512, 2, 9, 150


def build() -> MaskFormerForInstanceSegmentation:
    """Swin-T with 150 classes. Without deep supervision: current releases fail with it."""
    config = MaskFormerConfig(backbone_config=swin_t(), num_labels=CLASSES, use_auxiliary_loss=False)
    return MaskFormerForInstanceSegmentation(config)


def swin_t() -> SwinConfig:
    """The backbone of the paper's Swin-T."""
    return SwinConfig(
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        drop_path_rate=0.3,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )


def tasks() -> dict[str, Callable[[], object]]:
    torch.manual_seed(0)
    model, processor = build(), MaskFormerImageProcessor()
    images = torch.randn(IMAGES, 3, SIZE, SIZE)
    numbers = torch.arange(SIZE) * SEGMENTS // SIZE
    masks = (numbers == torch.arange(SEGMENTS)[:, None])[:, None].expand(-1, SIZE, -1).float()
    ground_truth = dict(mask_labels=[masks] * IMAGES, class_labels=[torch.arange(SEGMENTS)] * IMAGES)

    def train() -> None:
        model.train()
        model(pixel_values=images, **ground_truth).loss.backward()
        model.zero_grad()

    @torch.no_grad()
    def predict() -> object:
        model.eval()
        outputs = model(pixel_values=images[:1])
        return processor.post_process_semantic_segmentation(outputs, target_sizes=[(SIZE, SIZE)])

    return dict(train=train, predict=predict)


def main() -> None:
    known = tasks()
    print(json.dumps('ready'), flush=True)
    for line in sys.stdin:
        name, *memory = line.split()
        measure = peak_memory if memory else seconds_of
        print(json.dumps(measure(known[name], torch.device('cpu'))), flush=True)


if __name__ == '__main__':
    main()
