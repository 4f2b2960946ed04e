"""Images as a graph takes them: read, as RGB, resized."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .image_files import check_complete

COEFFICIENT = 2048  # of OpenCV's interpolation of 8 bits


def opencv() -> ModuleType | None:
    """OpenCV, where it is installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def read_rgb(path: str | Path) -> NDArray[np.uint8]:
    """``(H, W, 3)`` uint8 RGB of a file, turned upright, by OpenCV or else by Pillow.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not an image, or cut off or damaged.
        ImportError: Neither is installed.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The image {path} does not exist.')
    encoded = Path(path).read_bytes()
    try:
        check_complete(encoded)
    except ValueError as error:
        raise ValueError(f'The image {path} cannot be read ({error}).') from None
    cv2 = opencv()
    if cv2 is None:
        return _read_with_pillow(path)
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if image is None:
        raise ValueError(f'The image {path} cannot be read (it is not an image).')
    return np.ascontiguousarray(image[..., ::-1])


def _read_with_pillow(path: str | Path) -> NDArray[np.uint8]:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ImportError(
            f'Reading {path} needs OpenCV or Pillow: pip install opencv-python-headless or pillow, or give '
            'an array.'
        ) from None
    try:
        with Image.open(path) as file:
            return np.array(ImageOps.exif_transpose(file).convert('RGB'))
    except OSError as error:
        raise ValueError(f'The image {path} cannot be read ({error}).') from None


def as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An array as ``(H, W, 3)`` uint8 RGB: gray is repeated, opacity is dropped.

    Raises:
        ValueError: It is not an image of 8 bits.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(
            f'The image is an array of {image.dtype} and shape {image.shape}: give uint8 of shape (height, '
            'width, 3), red, green, blue.'
        )
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] not in (1, 3, 4):
        raise ValueError(f'The image has {image.shape[2]} channels: give 3 (red, green, blue), 1 or 4.')
    return np.ascontiguousarray(np.broadcast_to(image[..., :3], (*image.shape[:2], 3)))


def prepared_size(height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width that an image is resized to.

    Args:
        height: Of the image.
        width: Of the image.
        settings: ``input`` of the metadata.

    Example:
        >>> prepared_size(360, 480, {'size': None, 'resize': {'rule': 'within', 'scale': [320, 240]}})
        (240, 320)
    """
    rule = settings['resize']
    if settings['size'] is not None:
        full = tuple(settings['size'])
        if rule['rule'] == 'exact':
            return full[0], full[1]
        factor = min(full[0] / height, full[1] / width)
        sides = (min(full[i], max(1, int(side * factor + 0.5))) for i, side in enumerate((height, width)))
        return next(sides), next(sides)
    if rule['rule'] == 'within':
        return _within(height, width, rule['scale'])
    if rule['rule'] == 'exact':
        return rule['scale'][1], rule['scale'][0]
    if rule['rule'] == 'shortest_edge':
        return _by_shortest_edge(height, width, rule['short'], rule['max'])
    return height, width


def _within(height: int, width: int, scale: Sequence[int]) -> tuple[int, int]:
    """As large as fits into two sides, the longer for the longer, with the aspect kept."""
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return int(height * factor + 0.5), int(width * factor + 0.5)


def _by_shortest_edge(height: int, width: int, short: int, longest: int) -> tuple[int, int]:
    """As ResizeShortestEdge of mmseg, which fits the image into the sides that detectron2 computes."""
    scale = short / min(height, width)
    new_height, new_width = (short, scale * width) if height < width else (scale * height, short)
    if max(new_height, new_width) > longest:
        scale = longest / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return _within(height, width, (int(new_height + 0.5), int(new_width + 0.5)))


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """``(H, W, 3)`` uint8 -> ``(*size, 3)``, bilinear, as OpenCV does it: with it, or without it alike."""
    if image.shape[:2] == tuple(size):
        return image
    cv2 = opencv()
    if cv2 is not None:
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return bilinear_8_bits(image, size)


def bilinear_8_bits(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """OpenCV's bilinear resizing of 8 bits, with weights of 11 bits and its rounding.

    Halving both sides is the mean of four pixels, as in OpenCV.
    """
    height, width = image.shape[:2]
    if (height, width) == (2 * size[0], 2 * size[1]):
        quarters = image.reshape(size[0], 2, size[1], 2, -1).sum((1, 3), dtype=np.int32)
        return ((quarters + 2) >> 2).astype(np.uint8)
    top, bottom, low, high = _taps(height, size[0])
    left, right, near, far = _taps(width, size[1])
    near, far = np.where(left == right, COEFFICIENT, near), np.where(left == right, 0, far)
    pixels = image.astype(np.int32)
    rows = pixels[:, left] * near[:, None] + pixels[:, right] * far[:, None]
    rows >>= 4
    low, high = low[:, None, None], high[:, None, None]
    mixed = ((rows[top] * low) >> 16) + ((rows[bottom] * high) >> 16)
    return ((mixed + 2) >> 2).clip(0, 255).astype(np.uint8)


def _taps(source: int, target: int) -> tuple[NDArray[Any], ...]:
    """Two pixels for each of the target's along a line, and their weights, whole numbers."""
    places = ((np.arange(target) + 0.5) * (source / target) - 0.5).astype(np.float32)
    first = np.floor(places).astype(np.int64)
    ahead = places - first.astype(np.float32)
    weights = (np.rint(part * np.float32(COEFFICIENT)).astype(np.int32) for part in (1 - ahead, ahead))
    return first.clip(0, source - 1), (first + 1).clip(0, source - 1), *weights


def fill(image: NDArray[np.uint8], settings: Mapping[str, Any]) -> NDArray[np.uint8]:
    """An image in the upper left corner of a graph's fixed size; the image itself where it has this size."""
    size = settings['size']
    if size is None or image.shape[:2] == tuple(size):
        return image
    canvas = np.empty((*size, 3), np.uint8)
    canvas[:] = settings['fill']
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas


def padded_size(height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
    """Size of the graph's input with the padding that is inside the graph.

    Args:
        height: Of the input.
        width: Of the input.
        settings: ``input`` of the metadata.
    """
    least, step = settings.get('padded'), settings['size_divisor']
    if least is not None:
        return max(height, least[0]), max(width, least[1])
    return math.ceil(height / step) * step, math.ceil(width / step) * step
