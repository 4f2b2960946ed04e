"""A model without a network: every pixel is of class 1; it can be slow, or fail."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmmaskformer.runtime import Classes, SegmentationResult
from mmmaskformer.runtime.input_image import InputImage
from mmmaskformer.serving.served_model import Job, UnusableImageError

CLASSES = Classes(('road', 'car'), [[1, 2, 3], [200, 0, 0]], frozenset({'car'}), (0, 1))


class FakeModel:
    name, classes, tasks = 'fake', CLASSES, ('semantic', 'panoptic')
    settings: dict[str, Any] = dict(runs_with='nothing')

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.entered = threading.Event()

    def predict(self, jobs: Sequence[Job]) -> list[Any]:
        self.batches.append([job.name for job in jobs])
        self.entered.set()
        assert self.go_on.wait(30)
        if any('bug' in job.name for job in jobs):
            raise RuntimeError('a secret of the server')
        return [self._predict(job) for job in jobs]

    def _predict(self, job: Job) -> Any:
        image = cv2.imdecode(np.fromfile(job.path, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            return UnusableImageError(f'The image {job.name} cannot be read.')
        result = SegmentationResult(InputImage('image'), image.shape[:2], CLASSES, image=image)
        if 'semantic' in job.tasks:
            result.semantic = np.ones(image.shape[:2], np.uint8)
        if 'panoptic' in job.tasks:
            ids = np.ones(image.shape[:2], np.int64)
            ids[:, :2] = 2
            info = [dict(id=1, category_id=1, score=0.9), dict(id=2, category_id=0, score=0.4)]
            result.set_panoptic(ids, info)
        return result

    def overlay(self, result: Any, alpha: float) -> Any:
        return result.draw(alpha=alpha)[..., ::-1]
