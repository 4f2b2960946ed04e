"""The figure at the end of a training: validation images with ground truth and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from PIL import Image

from ..engine.runner_components import segmentor_of
from ..visualization.samples import SheetStyle, draw_sample, has_segments
from ..visualization.sheets import GAP, PAPER, add_title, draw_legend

NUM_IMAGES = 4
WIDTH = 960


def draw_predictions(runner: Runner, path: Path) -> Path:
    """Write ground truth and predictions of a few validation images, evenly chosen.

    Args:
        runner: A runner after training, with the weights to show.
        path: PNG file to write.
    """
    dataset, model = runner.val_dataloader.dataset, segmentor_of(runner.model)
    meta = dataset.metainfo
    model.eval()
    rows = []
    places = np.linspace(0, len(dataset) - 1, min(NUM_IMAGES, len(dataset))).round().astype(int)
    for place in places.tolist():
        with torch.no_grad():
            sample = model.val_step(pseudo_collate([dataset[place]]))[0]
        rows.append(_row(sample, meta))
    width = max(row.shape[1] for row in rows)
    sheet = np.concatenate([_widen(row, width) for row in rows])
    classes = zip(meta['classes'], meta['palette'])
    legend = np.asarray(draw_legend([(name, color) for name, color in classes], width))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate([sheet, legend])).save(path)
    return path


def _row(sample: Any, meta: dict) -> np.ndarray:
    image = cv2.imread(sample.img_path)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    height, width = sample.ori_shape[:2]
    if image.shape[:2] != (height, width):  # turned by its EXIF orientation
        image = cv2.resize(image, (width, height))
    row = draw_sample(image, sample, SheetStyle(meta, with_labels=False))
    if not has_segments(sample):
        row = np.concatenate([image, row], axis=1)
        row = add_title(row, 'image | ground truth | prediction')
    scale = min(WIDTH / row.shape[1], 1)
    size = round(row.shape[1] * scale), round(row.shape[0] * scale)
    return cv2.resize(row, size, interpolation=cv2.INTER_AREA) if scale < 1 else row


def _widen(row: np.ndarray, width: int) -> np.ndarray:
    sheet = np.full((row.shape[0] + GAP, width, 3), PAPER, dtype=np.uint8)
    sheet[: row.shape[0], : row.shape[1]] = row
    return sheet
