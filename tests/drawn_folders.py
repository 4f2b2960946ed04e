"""Folders of a few drawn images, as a stranger might have them."""

from __future__ import annotations

import json
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


def draw_coco(folder: Path, number: int = 6) -> Path:
    """Images with COCO's instance file, not split."""
    random = np.random.default_rng(0)
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for index in range(number):
        image, labels = draw_scene(random)
        cv2.imwrite(str(folder / 'images' / f'{index}.jpg'), image)
        images.append(dict(id=index, file_name=f'{index}.jpg', height=HEIGHT, width=WIDTH))
        for label in (1, 2):
            (outline,), _ = cv2.findContours(
                (labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
            )
            left, top, width, height = cv2.boundingRect(outline)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=index,
                    category_id=label,
                    iscrowd=0,
                    segmentation=[outline.ravel().tolist()],
                    bbox=[left, top, width, height],
                    area=float((labels == label).sum()),
                )
            )
    categories = [dict(id=1, name='red disc'), dict(id=2, name='green disc')]
    document = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'instances.json').write_text(json.dumps(document))
    return folder
