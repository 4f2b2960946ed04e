"""Outlines that cover no pixel or cannot be drawn, found among hundreds of thousands without drawing all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from pycocotools import mask as coco_masks

from .segmentations import (
    checked_polygon,
    checked_runs,
    encode_segmentation,
    polygons_with_area,
    run_lengths,
)

CHUNK = 10000
SHORT = 8
"""Longest compressed text of a mask without a pixel, which is one number."""
MAX_CANVAS = 1 << 14

Outline = list | dict
Shape = tuple[int, int] | None


def without_pixels(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> list[bool]:
    """Whether each outline covers no pixel of its image.

    Those that cannot be drawn are not among them; :func:`undrawable` finds them.

    Args:
        outlines: Lists of polygons or run lengths, as in :func:`segmentations.encode_segmentation`.
        shapes: Height and width of the image of each, None where the file does not say.
    """
    found: list[bool] = []
    for start in range(0, len(outlines), CHUNK):
        chunk = slice(start, start + CHUNK)
        found += _without_pixels(outlines[chunk], shapes[chunk])
    return found


def undrawable(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> dict[int, str]:
    """What is wrong with the outlines that cannot be drawn, by their place.

    Compressed run lengths are compared with their image by their size alone: an error names those that are
    damaged when their image is loaded.

    Args:
        outlines: As in :func:`without_pixels`.
        shapes: As in :func:`without_pixels`.
    """
    faults: dict[int, str] = {}
    for start in range(0, len(outlines), CHUNK):
        for place in _suspects(outlines[start : start + CHUNK], shapes[start : start + CHUNK]):
            try:
                _check(outlines[start + place], shapes[start + place])
            except (TypeError, ValueError) as error:
                faults[start + place] = str(error)
    return faults


def _suspects(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> list[int]:
    """Places of the outlines that are not surely right."""
    suspects: set[int] = set()
    polygons, owners = [], []
    for place, (outline, shape) in enumerate(zip(outlines, shapes)):
        if isinstance(outline, dict):
            is_text = isinstance(outline.get('counts'), str | bytes)
            if not is_text or outline.get('size') != list(shape or outline.get('size') or ()):
                suspects.add(place)
            continue
        for polygon in polygons_with_area(outline):
            if isinstance(polygon, list) and _is_polygon(polygon):
                polygons.append(polygon)
                owners.append(place)
            else:
                suspects.add(place)
    sizes = np.array([shapes[place] or (math.inf, math.inf) for place in owners]).reshape(-1, 2)[:, ::-1]
    try:
        corners, ends = _corners(polygons)
    except (TypeError, ValueError):  # a value that is not a number: each outline is drawn by itself
        return sorted(suspects.union(owners))
    if len(corners):
        starts = np.concatenate([[0], ends[:-1]])
        inside = np.minimum.reduceat(corners, starts) >= -sizes
        inside &= np.maximum.reduceat(corners, starts) <= 2 * sizes  # False for NaN
        finite = np.isfinite(np.add.reduceat(np.abs(corners), starts))
        suspects.update(np.array(owners)[~(inside & finite).all(1)].tolist())
    return sorted(suspects)


def _check(outline: Outline, shape: Shape) -> None:
    if isinstance(outline, dict):
        checked_runs(outline, shape)
        return
    for polygon in polygons_with_area(outline):
        checked_polygon(polygon, shape or (math.inf, math.inf))


def _corners(polygons: Sequence[list]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of all polygons, ``(N, 2)``, and where those of each end."""
    lengths = np.array([len(polygon) for polygon in polygons], dtype=np.int64)
    numbers = np.fromiter(chain.from_iterable(polygons), np.float64, int(lengths.sum()))
    return numbers.reshape(-1, 2), np.cumsum(lengths // 2)


def _without_pixels(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> Iterator[bool]:
    first = [outline[0] if isinstance(outline, list) and outline else [] for outline in outlines]
    places = [i for i, polygon in enumerate(first) if isinstance(polygon, list) and _is_polygon(polygon)]
    sizes = [shapes[i] or (math.inf, math.inf) for i in places]
    covered = dict(zip(places, _surely_cover([first[i] for i in places], sizes)))
    for i, (outline, shape) in enumerate(zip(outlines, shapes)):
        yield not covered.get(i, False) and not _covers(outline, shape)


def _is_polygon(polygon: list) -> bool:
    return len(polygon) >= 6 and len(polygon) % 2 == 0


def _surely_cover(polygons: Sequence[list], sizes: Sequence[tuple[float, float]]) -> list[bool]:
    """Polygons inside their image whose area in pixels is more than the length of their edge.

    Such a curve has a pixel's center inside (Jarník's inequality), so it needs no drawing.
    """
    try:
        corners, ends = _corners(polygons)
    except (TypeError, ValueError):  # a value that is not a number: each outline is drawn by itself
        return [False] * len(polygons)
    if not len(corners):
        return []
    with np.errstate(all='ignore'):  # NaN and infinity
        return _inside_and_wide(corners, ends, np.array(sizes)[:, ::-1]).tolist()


def _inside_and_wide(corners: np.ndarray, ends: np.ndarray, highest: np.ndarray) -> np.ndarray:
    starts = np.concatenate([[0], ends[:-1]])
    following = np.arange(1, len(corners) + 1)
    following[ends - 1] = starts
    (x, y), (next_x, next_y) = corners.T, corners[following].T
    area = np.abs(np.add.reduceat(x * next_y - next_x * y, starts)) / 2
    edge = np.add.reduceat(np.hypot(next_x - x, next_y - y), starts)
    inside = (np.minimum.reduceat(corners, starts) >= 0) & (np.maximum.reduceat(corners, starts) <= highest)
    return inside.all(1) & (area > edge)


def _covers(outline: Outline, shape: Shape) -> bool:
    """Whether an outline covers a pixel; True for one that cannot be drawn."""
    try:
        if isinstance(outline, dict):
            if shape and outline.get('size') != list(shape):
                return True
            counts = outline.get('counts')
            if isinstance(counts, str | bytes) and len(counts) > SHORT:
                return True
            return any(counts[1::2] if isinstance(counts, list) else run_lengths(counts)[1::2])
        canvas = shape or _canvas(polygons_with_area(outline))
        return bool(coco_masks.area(encode_segmentation(outline, canvas)))
    except (TypeError, ValueError, OverflowError):
        return True


def _canvas(polygons: Sequence[list]) -> tuple[int, int]:
    """A size of image, where the file gives none, that the polygons fit into."""
    corners = np.array(list(chain.from_iterable(polygons)), dtype=np.float64).reshape(-1, 2)
    if len(corners) and not np.abs(corners).max() <= MAX_CANVAS:
        raise ValueError('its corners are too far away')
    width, height = np.ceil(corners.max(0, initial=0)).astype(int).tolist()
    return height + 1, width + 1
