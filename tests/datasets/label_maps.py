"""Small data sets of label maps whose contents are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

CLASSES = ('sky', 'road', 'car', 'dog')
# What the maps of the images 0.jpg, 1.jpg, ... hold: label and number of pixels, 12 in all.
MAPS = [{0: 6, 1: 6}, {0: 12}, {0: 8, 255: 4}, {0: 3, 1: 3, 2: 6}]


def write_label_maps(folder: Path, maps=MAPS, suffix: str = '.jpg') -> dict:
    """Write img/0.jpg and ann/0.png ..., and return the config of the data set."""
    for kind in ('img', 'ann'):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    shades = np.random.RandomState(0).randint(0, 256, (3, 4, 3), np.uint8)
    for number, counts in enumerate(maps):
        labels = np.repeat(list(counts), list(counts.values())).reshape(3, 4)
        cv2.imwrite(str(folder / f'img/{number}{suffix}'), shades)
        cv2.imwrite(
            str(folder / f'ann/{number}.png'), labels.astype(np.uint8 if labels.max() < 256 else np.uint16)
        )
    return dict(
        type='mmseg.BaseSegDataset',
        data_root=str(folder),
        metainfo=dict(classes=CLASSES),
        img_suffix=suffix,
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        pipeline=[
            dict(type='mmmaskformer.LoadImageFromFile'),
            dict(type='mmmaskformer.LoadAnnotations'),
            dict(type='mmseg.PackSegInputs'),
        ],
    )
