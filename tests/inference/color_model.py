"""A stand-in for a model: it reads classes and objects from the colors of an image, without error."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from torch import nn

CLASSES = ('sky', 'road', 'car', 'ball')
META = dict(
    classes=CLASSES, palette=[[0, 0, 200], [90, 90, 90], [200, 0, 0], [0, 200, 0]], thing_classes=CLASSES[2:]
)
PIPELINE = [dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.PackSegmentInputs')]


class ColorModel(nn.Module):
    """Blue is the number of the object (0 for stuff), green the class.

    Attributes:
        sizes: Of the images it saw.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.cfg = Config(dict(default_scope='mmseg', test_pipeline=PIPELINE))
        self.dataset_meta = META
        self.test_cfg = dict(mode='whole')
        self.num_classes = len(CLASSES)
        self.decode_head = nn.Module()
        self.sizes: list[tuple[int, int]] = []

    def test_step(self, data: dict) -> list:
        for image, sample in zip(data['inputs'], data['data_samples']):
            objects, classes = image[0].numpy(), image[1].numpy()
            self.sizes.append(objects.shape)
            scores = np.eye(len(CLASSES), dtype=np.float32)[classes].transpose(2, 0, 1)
            sample.seg_logits = PixelData(data=torch.from_numpy(scores.copy()))
            sample.pred_sem_seg = PixelData(data=torch.from_numpy(classes.astype(np.int64))[None])
            self._add_segments(sample, objects.astype(int), classes.astype(int))
        return data['data_samples']

    def _add_segments(self, sample, objects, classes) -> None:
        ids = np.zeros(objects.shape, np.int32)
        info, masks, labels = [], [], []
        for key in np.unique(objects * 256 + classes).tolist():
            number, label = divmod(key, 256)
            mask = (objects == number) & (classes == label)
            ids[mask] = len(info) + 1
            info.append(dict(id=len(info) + 1, category_id=label, isthing=label > 1, score=0.9))
            if label > 1:
                masks.append(mask)
                labels.append(label)
        sample.pred_panoptic_seg = PixelData(data=torch.from_numpy(ids)[None])
        sample.pred_segments_info = info
        sample.pred_instances = InstanceData(
            labels=torch.tensor(labels, dtype=torch.int64),
            scores=torch.full((len(labels),), 0.8),
            masks=torch.from_numpy(np.array(masks, bool).reshape(-1, *objects.shape)),
        )


def draw_scene(height: int, width: int, num_objects: int, seed: int = 0) -> np.ndarray:
    """An image (H, W, 3) uint8: sky, road, and things of any size, those drawn later in front."""
    random = np.random.RandomState(seed)
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 3 :, :, 1] = 1
    for number in range(1, num_objects + 1):
        label = 2 + number % 2
        x, y = random.randint(0, width), random.randint(0, height)
        size = random.randint(4, max(height // 4, 6))
        if label == 2:
            cv2.rectangle(image, (x, y), (x + 2 * size, y + size), (number, label, 0), -1)
        else:
            cv2.circle(image, (x, y), size // 2, (number, label, 0), -1)
    return image
