"""What a training on a folder should be: sizes, queries, batch and length, from what the folder holds."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import torch

from ..datasets.folders import FolderContents, PreparedSet
from .model_choice import ModelChoice, choose_model

EPOCHS = 30
MOST_ITERATIONS, FEWEST_ITERATIONS = 40000, 600
VALIDATIONS = 10
AREA = {'cpu': 320 * 240, 'gpu': 640 * 480}
"""Pixels that images are resized to at most."""
CROP_SHARE = 0.8
"""Sides of training crops, as a part of the image's."""
STRIDE = 32
BYTES_PER_PIXEL = 12_000
"""Memory that a training step is taken to need on a CPU, per pixel of the batch.

EfficientNet-Lite0 needs 3,600 (four crops of 96x128, beside weights and libraries); larger models need more.
"""
FEW = 50
"""Images that are read without worker processes."""


@dataclass(frozen=True)
class Plan:
    """The numbers of a training.

    Attributes:
        model: The model.
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``.
        num_queries: Queries.
        image_size: Width and height that images are resized to.
        crop_size: Height and width of training crops.
        batch_size: Images that go through the network together.
        accumulation: Batches in a step of the optimizer.
        max_iters: Iterations, of one batch.
        val_interval: Iterations between validations.
        num_workers: Processes that read images.
        bands: Channels, if they are other than those of a color image.
        notes: Sentences for the user.
        minutes: Time for training that sizes were reduced for; None if they were not.
    """

    model: ModelChoice
    task: str
    num_queries: int
    image_size: tuple[int, int]
    crop_size: tuple[int, int]
    batch_size: int
    accumulation: int
    max_iters: int
    val_interval: int
    num_workers: int
    bands: int | None = None
    notes: list[str] = field(default_factory=list)
    minutes: float | None = None

    def with_batch(self, batch_size: int) -> Plan:
        """The plan where only ``batch_size`` images fit into memory: gradients are accumulated."""
        accumulation = math.ceil(self.batch_size * self.accumulation / batch_size)
        longer = accumulation * batch_size / (self.batch_size * self.accumulation)
        ratio = accumulation / self.accumulation
        return replace(
            self,
            batch_size=batch_size,
            accumulation=accumulation,
            max_iters=math.ceil(self.max_iters * ratio / longer),
            val_interval=math.ceil(self.val_interval * ratio / longer),
        )

    def with_area(self, area: int, sizes: Sequence[tuple[int, int]], minutes: float) -> Plan:
        """The plan with images of this many pixels at most, for a training of some minutes."""
        image_size = fit_size(sizes, area)
        crop_size = crop_of(image_size, sizes)
        return replace(self, image_size=image_size, crop_size=crop_size, minutes=minutes)


def make_plan(
    contents: FolderContents,
    prepared: PreparedSet,
    task: str | None = None,
    model: str | None = None,
    weights: str | None = None,
) -> Plan:
    """Choose the settings of a training.

    Raises:
        ValueError: The annotations do not allow the task, or the model is unknown.
    """
    if task and task != prepared.task:
        raise ValueError(
            f'The annotations in {contents.root} are {contents.format}, which serve {prepared.task} '
            f'segmentation, not {task}: leave --task out.'
        )
    choice, note = choose_model(model, prepared.train_size, weights)
    device = 'gpu' if torch.cuda.is_available() else 'cpu'
    image_size = fit_size(contents.image_sizes, AREA[device])
    crop_size = crop_of(image_size, contents.image_sizes)
    batch_size = choice.batch if device == 'gpu' else cpu_batch(choice.batch, crop_size)
    accumulation = math.ceil(choice.batch / batch_size)
    max_iters = iterations(prepared.train_size, batch_size, accumulation)
    return Plan(
        model=choice,
        task=prepared.task,
        num_queries=queries(len(prepared.classes), contents.segments_per_image[1], prepared.task),
        image_size=image_size,
        crop_size=crop_size,
        batch_size=batch_size,
        accumulation=accumulation,
        max_iters=max_iters,
        val_interval=max(max_iters // VALIDATIONS, 1),
        num_workers=0 if prepared.train_size < FEW else min(2, os.cpu_count() or 1),
        bands=contents.num_channels if contents.num_channels > 4 else None,
        notes=[note] if note else [],
    )


def queries(num_classes: int, most_segments: int, task: str) -> int:
    """Three for each class up to 100, and a quarter more than the most segments of an image.

    Example:
        >>> queries(11, 11, 'semantic')
        33
    """
    least = math.ceil(1.25 * most_segments) if task != 'semantic' else num_classes
    return max(min(3 * num_classes, 100), least, 10)


def fit_size(sizes: Sequence[tuple[int, int]], area: int) -> tuple[int, int]:
    """Width and height of the typical image, reduced to an area; images are not enlarged.

    Example:
        >>> fit_size([(360, 480)], 320 * 240)
        (320, 240)
    """
    short, long = (median(side) for side in zip(*(sorted(size) for size in sizes)))
    height, width = (long, short) if 2 * sum(h > w for h, w in sizes) > len(sizes) else (short, long)
    scale = min(1.0, math.sqrt(area / (height * width)))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def crop_of(image_size: tuple[int, int], sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Height and width of training crops: about `CROP_SHARE` of the image, in multiples of `STRIDE`.

    They are square where portraits and landscapes are mixed.

    Example:
        >>> crop_of((320, 240), [(360, 480)])
        (192, 256)
    """
    width, height = image_size
    portraits = sum(h > w for h, w in sizes) / len(sizes)
    if 0.2 < portraits < 0.8:
        width = height = round(math.sqrt(width * height))
    return tuple(max(round(CROP_SHARE * side / STRIDE), 1) * STRIDE for side in (height, width))  # type: ignore[return-value]


def iterations(num_images: int, batch_size: int, accumulation: int) -> int:
    """Iterations of `EPOCHS` passes through the images, within limits."""
    per_step = batch_size * accumulation
    steps = min(max(EPOCHS * num_images // per_step, FEWEST_ITERATIONS), MOST_ITERATIONS)
    return steps * accumulation


def cpu_batch(wanted: int, crop_size: tuple[int, int]) -> int:
    """Images that half of the free memory has space for, at most those wanted; halved as often as needed."""
    while wanted > 1 and wanted * crop_size[0] * crop_size[1] * BYTES_PER_PIXEL > free_memory() / 2:
        wanted //= 2
    return wanted


def free_memory() -> float:
    """Bytes of memory that are free; infinite where the system does not show it."""
    file = Path('/proc/meminfo')
    found = re.search(r'MemAvailable:\s+(\d+) kB', file.read_text()) if file.is_file() else None
    return 1024 * int(found[1]) if found else math.inf
