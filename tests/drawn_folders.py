"""Folders of a few drawn images, as a stranger might have them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

COLORS = np.array([(40, 40, 40), (200, 60, 60), (60, 200, 60)], np.uint8)
HEIGHT, WIDTH = 64, 80


def draw_scene(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An image with a red and a green disc, and its label map (0: ground)."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for label, left in ((1, 8), (2, 48)):
        center = int(random.integers(left, left + 24)), int(random.integers(14, 50))
        cv2.circle(labels, center, 10, label, -1)
    noise = random.integers(0, 30, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return COLORS[labels][..., ::-1] + noise, labels


def draw_blobs(folder: Path, num_train: int = 6, num_val: int = 2) -> Path:
    """Images with label maps, in folders ``train`` and ``val``."""
    random = np.random.default_rng(0)
    for split, number in (('train', num_train), ('val', num_val)):
        for index in range(number):
            image, labels = draw_scene(random)
            for kind, suffix, content in (('images', 'jpg', image), ('labels', 'png', labels)):
                path = folder / kind / split / f'{index}.{suffix}'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), content)
    return folder
