"""Colors of classes, instances and contours; and images of any channels and type as 8-bit RGB."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

NUM_SHADES = 12
LIGHTNESS_RANGE, CHROMA_RANGE = 22, 20
DARK_LINE, LIGHT_LINE = 0.35, 0.75
PERCENTILES = (1.0, 99.0)


def class_colors(classes: Sequence[str], palette: Sequence[Sequence[int]] | None = None) -> np.ndarray:
    """Colors of the classes (K, 3) uint8: the palette, or without one, :func:`default_palette`.

    Raises:
        ValueError: The palette has fewer colors than there are classes.
    """
    if palette is None:
        return default_palette(len(classes))
    if len(palette) < len(classes):
        raise ValueError(f'palette has {len(palette)} colors for {len(classes)} classes; give one for each.')
    return np.array(palette, dtype=np.uint8).reshape(-1, 3)[: len(classes)]


def default_palette(number: int) -> np.ndarray:
    """Colors (number, 3) uint8 for classes without a palette: deterministic, with distinct neighbors."""
    golden = (5**0.5 - 1) / 2
    lightness, saturation = (0.5, 0.65, 0.38), (0.75, 0.5)
    colors = [
        colorsys.hls_to_rgb((0.58 + index * golden) % 1, lightness[index % 3], saturation[index // 3 % 2])
        for index in range(number)
    ]
    return np.round(np.array(colors).reshape(-1, 3) * 255).astype(np.uint8)


def shade(color: Sequence[int], number: int) -> tuple[int, int, int]:
    """Color of an instance by its number within its class; instance 0 has the color of the class."""
    red, green, blue = (int(value) for value in color)
    return _shades(red, green, blue)[number % NUM_SHADES]


@cache
def _shades(red: int, green: int, blue: int) -> tuple[tuple[int, int, int], ...]:
    """The color and similar ones in CIELAB, each as far as possible from the previous ones."""
    base = np.array([[red, green, blue]], dtype=np.uint8)
    steps = np.stack(np.meshgrid(*[np.linspace(-1, 1, 7)] * 3, indexing='ij'), axis=-1).reshape(-1, 3)
    steps = steps[(steps**2).sum(axis=1) <= 1] * (LIGHTNESS_RANGE, CHROMA_RANGE, CHROMA_RANGE)
    candidates = np.concatenate([base, _lab_to_rgb(_to_lab(base) + steps)])
    lab = _to_lab(candidates)
    chosen, distance = [0], np.full(len(lab), np.inf)
    while len(chosen) < NUM_SHADES:
        distance = np.minimum(distance, np.linalg.norm(lab - lab[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return tuple((int(r), int(g), int(b)) for r, g, b in candidates[chosen])


def line_color(color: Sequence[int]) -> tuple[int, int, int]:
    """Color of a segment's contour: the segment's color, much darker, or much lighter if it is dark."""
    rgb = np.array(color, dtype=float)
    dark = _to_lab(np.array([color], dtype=np.uint8))[0, 0] < 45
    line = rgb + LIGHT_LINE * (255 - rgb) if dark else DARK_LINE * rgb
    red, green, blue = np.round(line).astype(int).tolist()
    return red, green, blue


def _to_lab(colors: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 RGB to CIELAB, lightness 0 to 100."""
    return cv2.cvtColor(colors[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def _lab_to_rgb(colors: np.ndarray) -> np.ndarray:
    """(N, 3) CIELAB to uint8 RGB, clipped to its range."""
    colors = cv2.cvtColor(colors[None].astype(np.float32), cv2.COLOR_LAB2RGB)[0]
    return np.round(np.clip(colors, 0, 1) * 255).astype(np.uint8)


def to_rgb(image: NDArray, is_rgb: bool = True) -> NDArray[np.uint8]:
    """An image as ``(H, W, 3)`` uint8 RGB, contiguous; an image of this form is returned unchanged.

    Shows the first three of more than three channels, and the first of two as gray. Other types than 8 bits
    are scaled from the 1st to the 99th percentile of the shown channels together, which keeps the hue. Floats
    from 0 to 255 are not scaled, and NaN becomes black.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` of whole numbers, floats or bool.
        is_rgb: Whether the first of three or more channels is red, not blue.

    Raises:
        ValueError: The array is not an image.

    Example:
        >>> to_rgb(np.full((2, 2, 6), 4000, np.uint16)).shape
        (2, 2, 3)
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or 0 in image.shape or image.dtype.kind not in 'buif':
        raise ValueError(
            f'The image to draw on is {image.dtype} of shape {image.shape}: give numbers of shape (H, W) or '
            '(H, W, channels).'
        )
    channels = image[..., :3] if image.shape[2] >= 3 else image[..., :1]
    if not is_rgb:
        channels = channels[..., ::-1]
    channels = _to_8_bits(channels)
    return np.ascontiguousarray(np.broadcast_to(channels, (*channels.shape[:2], 3)))


def _to_8_bits(image: NDArray) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    if image.dtype == bool:
        return image.astype(np.uint8) * 255
    values = image.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(image.shape, np.uint8)
    if image.dtype.kind == 'f' and finite.min() >= 0 and 1 < finite.max() <= 255:
        low, high = 0.0, 255.0  # 8 bits, read with to_float32
    else:
        low, high = np.percentile(finite, PERCENTILES)
    if low == high:
        low, high = finite.min(), finite.max()
    spread = (values - low) / (high - low) if high > low else np.where(np.isnan(values), 0, 0.5)
    spread = np.nan_to_num(spread, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(spread, 0, 1) * 255).astype(np.uint8)
