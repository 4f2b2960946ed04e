"""Write fixtures.json: what OpenCV and the Python functions return for random inputs.

python web/tests/make_fixtures.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mmmaskformer.functional.label_map_by_bands import semantic_label_map
from mmmaskformer.functional.postprocess import panoptic_segments
from mmmaskformer.functional.resizing import OutputSize, resize_scores
from mmmaskformer.functional.semantic_inference import semantic_labels
from mmmaskformer.structures import MaskPrediction

FILE = Path(__file__).with_name('fixtures.json')
UNIT = 64  # logits are whole numbers of 1 / 64, short in JSON and exact in float32
SOURCE = (17, 14)  # height, width
RESIZED = [(11, 9), (20, 23), (17, 20), (3, 30), (1, 1)]
SIZES = [(640, 480), (480, 640), (1000, 333), (256, 192), (97, 131), (4032, 3024), (541, 200), (101, 303)]
SCALES = [(256, 192), (2048, 512), (192, 256)]
SHORTEST_EDGE = dict(short=512, max=1000)
LOGITS = (7, 9)  # height, width: masks at stride 4
SAME = OutputSize((28, 36), (28, 36), (28, 36))
PADDED = OutputSize((28, 36), (25, 33), (25, 33))
LARGER = OutputSize((28, 36), (25, 33), (41, 50))
SMALLER = OutputSize((28, 36), (25, 33), (19, 30))


def numbers(array: Any) -> list:
    return np.asarray(array).ravel().tolist()


def resizing(rng: np.random.Generator) -> dict:
    image = rng.integers(0, 256, (*SOURCE, 3), dtype=np.uint8)
    halved = rng.integers(0, 256, (10, 8, 3), dtype=np.uint8)
    cases = [(image, size) for size in RESIZED] + [(halved, (5, 4))]
    return dict(
        cases=[
            dict(
                source=[*source.shape[:2]],
                pixels=numbers(source),
                target=[*size],
                expected=numbers(cv2.resize(source, size[::-1], interpolation=cv2.INTER_LINEAR)),
            )
            for source, size in cases
        ],
        sizes=[
            dict(size=size, scale=scale, expected=mmcv.rescale_size(size, scale))
            for size in SIZES
            for scale in SCALES
        ],
        shortest_edges=[dict(size=size, expected=_shortest_edge(size, **SHORTEST_EDGE)) for size in SIZES],
        shortest_edge=SHORTEST_EDGE,
    )


def _shortest_edge(size: tuple[int, int], short: int, max: int) -> tuple[int, int]:
    from mmseg.datasets.transforms import ResizeShortestEdge  # after mmmaskformer

    image = np.empty((*size[::-1], 3), np.uint8)
    return ResizeShortestEdge(short, max)(dict(img=image))['img'].shape[1::-1]


def random_logits(rng: np.random.Generator, *shape: int, spread: int = 6) -> NDArray[np.int64]:
    return rng.integers(-spread * UNIT, spread * UNIT, shape)


def blobs(rng: np.random.Generator, num: int) -> NDArray[np.int64]:
    """Smooth mask logits ``(num, h, w)``, so that segments keep most of their masks."""
    coarse = torch.from_numpy(rng.normal(0, 5, (1, num, 3, 3))).float()
    return (F.interpolate(coarse, size=LOGITS, mode='bilinear')[0] * UNIT).round().long().numpy()


def tensors(classes: NDArray, masks: NDArray) -> MaskPrediction:
    return MaskPrediction(*(torch.from_numpy(part).float() / UNIT for part in (classes, masks)))


def semantic(
    rng: np.random.Generator, num_queries: int, num_classes: int, size: OutputSize, before: bool
) -> dict:
    classes, masks = random_logits(rng, num_queries, num_classes + 1), blobs(rng, num_queries)
    labels = semantic_label_map(tensors(classes, masks), size, before)
    return dict(
        num_classes=num_classes,
        size=size._asdict(),
        before=before,
        class_logits=numbers(classes),
        mask_logits=numbers(masks),
        labels=numbers(labels),
    )


def per_pixel(rng: np.random.Generator, num_classes: int, size: OutputSize) -> dict:
    logits = blobs(rng, num_classes)
    upsampled = F.interpolate(
        torch.from_numpy(logits)[None].float() / UNIT, size=size.padded, mode='bilinear'
    )
    labels = semantic_labels(resize_scores(upsampled[0], size))
    return dict(num_classes=num_classes, size=size._asdict(), logits=numbers(logits), labels=numbers(labels))


def panoptic(rng: np.random.Generator, num_queries: int, size: OutputSize, **thresholds: float) -> dict:
    is_thing = [False, True, False, True]
    classes = random_logits(rng, num_queries, len(is_thing) + 1, spread=12)
    masks = blobs(rng, num_queries)
    found = panoptic_segments(tensors(classes, masks), size, is_thing, **thresholds)
    return dict(
        is_thing=is_thing,
        thresholds=thresholds,
        size=size._asdict(),
        class_logits=numbers(classes),
        mask_logits=numbers(masks),
        ids=numbers(found.ids),
        segments=found.segments_info,
    )


def fixtures() -> dict:
    rng = np.random.default_rng(24)
    return dict(
        unit=UNIT,
        logits_size=LOGITS,
        resizing=resizing(rng),
        semantic=[
            semantic(rng, 6, 5, SAME, False),
            semantic(rng, 6, 5, PADDED, False),
            semantic(rng, 8, 5, LARGER, False),
            semantic(rng, 8, 5, SMALLER, False),
            semantic(rng, 8, 5, LARGER, True),
            semantic(rng, 5, 1, LARGER, False),
        ],
        per_pixel=[per_pixel(rng, 5, PADDED), per_pixel(rng, 5, LARGER)],
        panoptic=[
            panoptic(rng, 8, LARGER, score_thr=0.5, overlap_thr=0.3),
            panoptic(rng, 16, SMALLER, score_thr=0.3, overlap_thr=0.02),
            panoptic(rng, 5, PADDED, score_thr=0.3, overlap_thr=0.1, mask_thr=0.8),
            panoptic(rng, 3, SAME, score_thr=1.0, overlap_thr=0.5),
        ],
    )


if __name__ == '__main__':
    FILE.write_text(json.dumps(fixtures(), separators=(',', ':')) + '\n')
