"""A batch of one drawn image, for a training step or a prediction."""

from __future__ import annotations

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


def batch_of_one(channels: int = 3) -> dict:
    """An image of 64x96 pixels, class 0 with a rectangle of class 2, as a data loader gives it."""
    sample = SegDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96), img_path='drawn'))
    labels = torch.zeros(1, 64, 96, dtype=torch.int64)
    labels[:, 20:40, 30:60] = 2
    sample.gt_sem_seg = PixelData(data=labels)
    return dict(inputs=[torch.full((channels, 64, 96), 100, dtype=torch.uint8)], data_samples=[sample])
