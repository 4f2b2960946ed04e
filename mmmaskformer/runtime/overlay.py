"""Colors of the predictions over an image, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .results import SegmentationResult


def paint(result: SegmentationResult, image: NDArray[Any], alpha: float) -> NDArray[np.uint8]:
    """Mix the colors of the classes into an image; things of one class get darker and lighter shades.

    Args:
        result: The result; its segments, else instances, else regions are painted.
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: How much of the colors is seen, from 0 to 1.

    Raises:
        ValueError: The image differs in size.
    """
    if image.shape[:2] != tuple(result.size):
        raise ValueError(
            f'The image given to paint on is {image.shape[1]}x{image.shape[0]} pixels, but the result of '
            f'{result.input_image} {result.size[1]}x{result.size[0]}.'
        )
    painted = image.astype(np.float32)
    colors = np.array(result.categories.palette or _spread(len(result.categories.names)), np.float32)
    counts: dict[int, int] = {}
    for segment in result.found:
        number = counts.get(segment.category_id, 0) if segment.isthing else 0
        counts[segment.category_id] = number + 1
        color = colors[segment.category_id] * (1 - 0.15 * (number % 5))
        mask = segment.mask
        painted[mask] += alpha * (color - painted[mask])
    return np.round(painted).astype(np.uint8)


def _spread(number: int) -> NDArray[Any]:
    """Colors ``(number, 3)`` around the circle of hues, a golden section apart."""
    hues = (0.58 + np.arange(number) * (5**0.5 - 1) / 2) % 1
    channels = (hues[:, None] * 6 + np.array([0, 4, 2])) % 6
    return 255 * np.clip(np.abs(channels - 3) - 1, 0.15, 0.85)
