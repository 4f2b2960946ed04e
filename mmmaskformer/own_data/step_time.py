"""The size of images for which enough training steps fit into a time: timed, not guessed."""

from __future__ import annotations

import logging
import time

from mmengine.config import Config
from mmengine.logging import MMLogger

from .memory import training_step

ENOUGH_STEPS = 200
"""Steps that a training should have: half-size CamVid needs 150 to 300, see docs/little_data.md."""
TRAINING_SHARE = 0.75
"""Part of the time that is left for training besides validation."""
LEAST_AREA = 160 * 120
"""Pixels below which images are not reduced for the sake of time."""


def seconds_of_step(cfg: Config) -> float:
    """Time a training step of a config on the CPU, after one that warms up."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)  # no lines about the layers of the backbone
    try:
        step = training_step(cfg, 'cpu')
        step(1)
        start = time.perf_counter()
        step(cfg.train_dataloader.batch_size)
        return time.perf_counter() - start
    finally:
        logger.setLevel(level)


def area_for_time(area: int, seconds: float, time_budget: float) -> int:
    """Pixels of an image for which `ENOUGH_STEPS` fit into a time; a step is taken to grow with them.

    Args:
        area: Pixels of an image now.
        seconds: Time of a step with them.
        time_budget: Seconds for training and validation.

    Returns:
        ``area`` if it fits, or less, but not less than `LEAST_AREA`.

    Example:
        >>> area_for_time(320 * 240, 1.5, 180)
        34560
    """
    wanted = TRAINING_SHARE * time_budget / ENOUGH_STEPS
    if seconds <= wanted or area <= LEAST_AREA:
        return area
    return max(int(area * wanted / seconds), LEAST_AREA)
