"""Outlines of objects in COCO's JSON files, polygons or run lengths: checked and drawn."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_masks

from .json_fields import whole_number

FIRST, LAST = 48, 111
"""Characters of compressed run lengths: each holds six bits."""
MAX_SHIFT = 30


def run_lengths_of(mask: np.ndarray) -> dict:
    """A mask ``(H, W)`` as COCO's compressed run lengths."""
    encoded = coco_masks.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(size=[int(side) for side in mask.shape], counts=encoded['counts'].decode())


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
            being a list or a compressed string. Polygons of less than three corners have no area and are
            ignored.
        shape: Height and width of the image.

    Raises:
        ValueError: A polygon is not a list of corners, or has one far outside the image; or run
            lengths have another size than ``shape``, or do not fill it.
    """
    height, width = shape
    if isinstance(segmentation, list):
        polygons = [checked_polygon(polygon, shape) for polygon in polygons_with_area(segmentation)]
        if not polygons:
            return coco_masks.frPyObjects(dict(size=[height, width], counts=[height * width]), height, width)
        return coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))
    runs = checked_runs(segmentation, shape)
    return coco_masks.frPyObjects(dict(size=[height, width], counts=runs), height, width)


def polygons_of(segmentation: list) -> list:
    """The polygons of an object as lists ``x, y, x, y, ...``.

    A list of numbers is one polygon, and so is a list of three or more pairs ``[x, y]``; each polygon in a
    list may consist of pairs, too.
    """
    if segmentation and isinstance(segmentation[0], int | float):
        return [segmentation]
    if len(segmentation) > 2 and _are_pairs(segmentation) and not _are_pairs(segmentation[0]):
        return [_flat(segmentation)]
    return [_flat(polygon) if _are_pairs(polygon) else polygon for polygon in segmentation]


def polygons_with_area(segmentation: list) -> list:
    """The polygons of an object that have three corners or more."""
    return [polygon for polygon in polygons_of(segmentation) if not _is_speck(polygon)]


def run_lengths(text: str | bytes | None) -> list[int]:
    """Decode COCO's compressed run lengths, down the columns, zeros first.

    Numbers have a variable length with five bits a character; from the fourth on they are differences from
    the last but one.

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


def checked_polygon(polygon: Any, shape: tuple[float, float]) -> list[float]:
    """The numbers of a polygon.

    Corners may lie outside the image by at most its own size, since drawing larger polygons takes too long.

    Raises:
        ValueError: As :func:`encode_segmentation`.
    """
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(
            f'its polygon {reprlib.repr(polygon)} is not a list x, y, x, y, ... of three corners or more'
        )
    try:
        corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        corners = np.full((1, 2), np.nan)
    if not np.isfinite(corners).all():
        raise ValueError(f'its polygon {reprlib.repr(polygon)} has corners that are not numbers')
    size = np.array(shape[::-1])
    if not ((-size <= corners) & (corners <= 2 * size)).all():
        raise ValueError(
            f'its polygon {reprlib.repr(polygon)} has corners far outside the image of '
            f'{shape[1]}x{shape[0]} pixels'
        )
    return corners.ravel().tolist()


def checked_runs(segmentation: dict, shape: tuple[int, int] | None) -> list[int]:
    """The run lengths of an object.

    Args:
        segmentation: ``size`` and ``counts``.
        shape: Height and width of the image; None if the file has no size.

    Raises:
        ValueError: As :func:`encode_segmentation`.
    """
    size, counts = segmentation.get('size'), segmentation.get('counts')
    if not isinstance(size, Sequence) or len(size) != 2 or (shape and tuple(size) != shape):
        expected = 'expected height and width' if shape is None else f'that of the image is {list(shape)}'
        raise ValueError(f'its size is {size}, {expected}')
    runs = [whole_number(run) for run in counts] if isinstance(counts, list) else run_lengths(counts)
    valid = [run for run in runs if run is not None and run >= 0]
    if len(valid) < len(runs) or sum(valid) != size[0] * size[1]:
        raise ValueError(
            f'its run lengths {reprlib.repr(counts if isinstance(counts, list) else runs)} do not sum up to '
            f'the {size[0] * size[1]} pixels of the image'
        )
    return valid


def _are_pairs(part: Any) -> bool:
    return (
        isinstance(part, list)
        and len(part) > 0
        and all(isinstance(corner, list) and len(corner) == 2 for corner in part)
    )


def _flat(pairs: list) -> list:
    return [value for corner in pairs for value in corner]


def _is_speck(polygon: Any) -> bool:
    """Whether a polygon is numbers of less than three corners."""
    return (
        isinstance(polygon, list)
        and len(polygon) in (0, 2, 4)
        and all(isinstance(value, int | float | str) for value in polygon)
    )
