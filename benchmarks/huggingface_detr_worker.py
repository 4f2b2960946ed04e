#!/usr/bin/env python
"""HuggingFace's DETR for speed.py, as huggingface_worker.py is for its MaskFormer: tasks by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import torch
from measure import peak_memory, seconds_of
from transformers import DetrConfig, DetrForSegmentation, ResNetConfig

CLASSES, SEGMENTS = 250, 9
PREDICTED, TRAINED = (800, 1216), (512, 512)


def build() -> DetrForSegmentation:
    """R50 with 250 outputs, and losses in every decoder layer, as officially."""
    backbone = ResNetConfig(out_features=['stage1', 'stage2', 'stage3', 'stage4'])
    config = DetrConfig(
        use_timm_backbone=False,
        backbone=None,
        use_pretrained_backbone=False,
        backbone_config=backbone,
        num_labels=CLASSES,
        auxiliary_loss=True,
    )
    return DetrForSegmentation(config)


def tasks() -> dict[str, Callable[[], object]]:
    torch.manual_seed(0)
    model = build()
    image, images = torch.randn(1, 3, *PREDICTED), torch.randn(2, 3, *TRAINED)
    numbers = torch.arange(TRAINED[0]) * SEGMENTS // TRAINED[0]
    masks = (numbers == torch.arange(SEGMENTS)[:, None])[:, None].expand(-1, TRAINED[0], -1)
    boxes = torch.tensor([[(i + 0.5) / SEGMENTS, 0.5, 1 / SEGMENTS, 1.0] for i in range(SEGMENTS)])
    target = dict(class_labels=torch.arange(SEGMENTS), boxes=boxes, masks=masks)

    def train() -> None:
        model.train()
        model(pixel_values=images, labels=[target] * 2).loss.backward()
        model.zero_grad()

    @torch.no_grad()
    def predict() -> object:
        return model.eval()(pixel_values=image).pred_masks

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
