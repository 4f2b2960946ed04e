"""Objects as COCO's JSON files draw them: polygons and run lengths, checked and drawn."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_masks

FIRST, LAST = 48, 111
"""Characters of compressed run lengths: each holds six bits."""
MAX_SHIFT = 30


def draw_segmentation(segmentation: list | dict, shape: tuple[int, int]) -> np.ndarray:
    """The pixels of an object in one of COCO's three forms, ``(H, W)`` bool.

    Args:
        segmentation: As in :func:`encode_segmentation`.
        shape: Height and width of the image.

    Raises:
        ValueError: As :func:`encode_segmentation`.
    """
    return coco_masks.decode(encode_segmentation(segmentation, shape)).view(bool)


def encode_segmentation(segmentation: list | dict, shape: tuple[int, int]) -> dict:
    """An object in one of COCO's three forms as compressed run lengths of bytes.

    Args:
        segmentation: List of polygons ``[x, y, x, y, ...]``, or dict with ``size`` and ``counts``, these
            being a list or a compressed string. Polygons of less than three corners have no area and do not
            count.
        shape: Height and width of the image.

    Raises:
        ValueError: A polygon is not a list of corners, or has one that is nowhere near the image; or run
            lengths have another size than ``shape``, or do not fill it.
    """
    height, width = shape
    if isinstance(segmentation, list):
        polygons = [_checked(polygon, shape) for polygon in polygons_with_area(segmentation)]
        if not polygons:
            return coco_masks.frPyObjects(dict(size=[height, width], counts=[height * width]), height, width)
        return coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))
    size, counts = segmentation.get('size'), segmentation.get('counts')
    if not isinstance(size, Sequence) or tuple(size) != (height, width):
        raise ValueError(f'its size is {size}, that of the image is {[height, width]}')
    runs = counts if isinstance(counts, list) else run_lengths(counts)
    if any(type(run) is not int or run < 0 for run in runs) or sum(runs) != height * width:
        raise ValueError(
            f'its run lengths {reprlib.repr(runs)} do not sum up to the {height * width} pixels of the image'
        )
    return coco_masks.frPyObjects(dict(size=[height, width], counts=runs), height, width)


def polygons_of(segmentation: list) -> list:
    """The polygons of an object; a list of numbers is one, and so are three or more pairs ``[x, y]``."""
    if segmentation and isinstance(segmentation[0], int | float):
        return [segmentation]
    if len(segmentation) > 2 and all(isinstance(part, list) and len(part) == 2 for part in segmentation):
        return [[value for corner in segmentation for value in corner]]
    return segmentation


def polygons_with_area(segmentation: list) -> list:
    """The polygons of an object but for those of less than three corners."""
    polygons = polygons_of(segmentation)
    return [polygon for polygon in polygons if not isinstance(polygon, list) or len(polygon) not in (0, 2, 4)]


def run_lengths(text: str | bytes | None) -> list[int]:
    """Decode COCO's compressed run lengths, down the columns, zeros first.

    Numbers of variable length, five bits a character; from the fourth on they are differences from the last
    but one.

    Raises:
        ValueError: The text is not in this form, or it is cut off.
    """
    if not isinstance(text, str | bytes):
        raise ValueError(f'its counts are {reprlib.repr(text)}, expected a list or text')
    runs: list[int] = []
    value = shift = 0
    for character in text.encode() if isinstance(text, str) else text:
        if not FIRST <= character <= LAST or shift > MAX_SHIFT:
            raise ValueError(f'its counts {reprlib.repr(text)} are not compressed run lengths')
        code = character - FIRST
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError(f'its counts {reprlib.repr(text)} are cut off')
    return runs


def _checked(polygon: Any, shape: tuple[int, int]) -> list[float]:
    """Corners may lie outside the image, but not farther than it is large: drawing would take forever."""
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(
            f'its polygon {reprlib.repr(polygon)} is not a list x, y, x, y, ... of three corners or more'
        )
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    size = np.array(shape[::-1])
    if not ((-size <= corners) & (corners <= 2 * size)).all():
        raise ValueError(
            f'its polygon {reprlib.repr(polygon)} has corners far outside the image of '
            f'{shape[1]}x{shape[0]} pixels, or values that are not finite'
        )
    return corners.ravel().tolist()
