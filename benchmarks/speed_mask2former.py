"""Mask2Former R50, training steps and panoptic predictions, against MMDetection's."""

from __future__ import annotations

from functools import partial

import torch
from measure import compare
from mmdet.structures import DetDataSample
from mmseg.structures import SegDataSample
from peers import build_mask2former
from speed_training import panoptic_batches, training_step
from torch import Tensor, nn

TRAINED, PREDICTED = (512, 512), (800, 1216)
SEGMENTS = 9


def rows(repeats: int, device: torch.device) -> list[dict]:
    """A step of two images with 9 segments each; an image of 800x1216 to its panoptic map."""
    ours, theirs = (build_mask2former(who).to(device) for who in ('ours', 'mmdet'))
    steps = [
        partial(_train, model, dict(inputs=batch['inputs'] * 2, data_samples=batch['data_samples'] * 2))
        for model, batch in zip((ours, theirs), panoptic_batches(*TRAINED, SEGMENTS))
    ]
    image = torch.randint(0, 256, (3, *PREDICTED), dtype=torch.uint8)
    predictions = [
        partial(_predict, ours, image, SegDataSample),
        partial(_predict, theirs, image, DetDataSample),
    ]
    return [
        compare('training step', 'Mask2Former R50, 2 x 512x512', *steps, repeats, device),
        compare('image to panoptic map', 'Mask2Former R50, 800x1216', *predictions, repeats, device),
    ]


def _train(model: nn.Module, batch: dict) -> None:
    training_step(model.train(), batch)


@torch.no_grad()
def _predict(model: nn.Module, image: Tensor, sample: type) -> None:
    shape = tuple(image.shape[1:])
    meta = dict(
        img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape, scale_factor=(1, 1)
    )
    model.eval().test_step(dict(inputs=[image], data_samples=[sample(metainfo=meta)]))
