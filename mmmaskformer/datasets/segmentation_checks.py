"""Fast checks of many outlines: which of them cover no pixel, and which cannot be drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as coco_masks

from .segmentations import (
    FIRST,
    LAST,
    MAX_SHIFT,
    checked_polygon,
    checked_runs,
    encode_segmentation,
    polygons_with_area,
    run_lengths,
)

CHUNK = 10000
"""Outlines that are checked at a time."""
TEXTS = 500
"""Compressed texts that are decoded at a time: each of their characters takes 50 bytes."""
SHORT = 8
"""Longest compressed text of a mask without a pixel, which is one number."""
MAX_CANVAS = 1 << 14

Outline = list | dict
Shape = tuple[int, int] | None


def without_pixels(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> list[bool]:
    """Whether each outline covers no pixel of its image.

    False for those that cannot be drawn, which :func:`undrawable` finds.

    Args:
        outlines: Lists of polygons or run lengths, as in :func:`segmentations.encode_segmentation`.
        shapes: Height and width of the image of each, None if the file has no size.
    """
    found: list[bool] = []
    for start in range(0, len(outlines), CHUNK):
        chunk = slice(start, start + CHUNK)
        found += _without_pixels(outlines[chunk], shapes[chunk])
    return found


def undrawable(outlines: Sequence[Outline], shapes: Sequence[Shape]) -> dict[int, str]:
    """Why outlines cannot be drawn, by their place in the list.

    Doubtful outlines are found for many at a time, and only these are decoded one by one.

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
    """Places of the outlines that may be wrong and have to be checked one by one."""
    suspects: set[int] = set()
    polygons, owners = [], []
    texts: list[str | bytes] = []
    sums: list[int] = []
    text_owners: list[int] = []
    for place, (outline, shape) in enumerate(zip(outlines, shapes)):
        if isinstance(outline, dict):
            size: Any = outline.get('size')
            counts = outline.get('counts')
            if counts in ('', b''):
                continue  # covers no pixel
            if isinstance(counts, str | bytes) and _is_size(size, shape):
                texts.append(counts)
                sums.append(size[0] * size[1])
                text_owners.append(place)
            else:
                suspects.add(place)
            continue
        for polygon in polygons_with_area(outline):
            if isinstance(polygon, list) and _is_polygon(polygon):
                polygons.append(polygon)
                owners.append(place)
            else:
                suspects.add(place)
    for start in range(0, len(texts), TEXTS):
        part = slice(start, start + TEXTS)
        wrong = np.flatnonzero(_sum_of_runs(texts[part]) != sums[part]) + start
        suspects.update(text_owners[place] for place in wrong.tolist())
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


def _is_size(size: Any, shape: Shape) -> bool:
    if not isinstance(size, list) or [type(side) for side in size] != [int, int] or min(size) < 1:
        return False
    return shape is None or tuple(size) == shape


def _sum_of_runs(texts: Sequence[str | bytes]) -> np.ndarray:
    """Sum of the run lengths of each compressed text, ``(N,)``; -1 where one is cut off or is no such text.

    Decodes all texts at once; :func:`segmentations.run_lengths` describes the format.
    """
    contents = [text.encode() if isinstance(text, str) else text for text in texts]
    lengths = np.array([len(content) for content in contents], np.int64)
    sums = np.full(len(contents), -1)
    codes = np.frombuffer(b''.join(contents), np.uint8).astype(np.int64) - FIRST
    ends_number = codes & 32 == 0
    ends_text = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(contents)), lengths)
    strange = (codes < 0) | (codes > LAST - FIRST)
    valid = lengths > 0
    valid[owner[strange]] = False
    valid[valid] = ends_number[ends_text[valid] - 1]
    kept = valid[owner]
    codes, owner, ends_number = codes[kept], owner[kept], ends_number[kept]
    if not len(codes):
        return sums
    stops = np.flatnonzero(ends_number)
    starts = np.concatenate([[0], stops[:-1] + 1])
    digits = np.arange(len(codes)) - np.repeat(starts, stops - starts + 1)
    shifts = np.minimum(5 * digits, MAX_SHIFT + 5)
    values = np.add.reduceat((codes & 31) << shifts, starts)
    values -= np.where(codes[stops] & 16, np.int64(1) << (shifts[stops] + 5), 0)
    owner = owner[stops]
    counts = np.bincount(owner, minlength=len(contents))
    place = np.arange(len(values)) - (np.cumsum(counts) - counts)[owner]
    # From the fourth on a number is the difference from the last but one: it is part of every second run.
    times = np.where(place == 0, 1, (counts[owner] - 1 - place) // 2 + 1)
    sums[valid] = np.bincount(owner, weights=values * times, minlength=len(contents))[valid].astype(np.int64)
    return sums


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
    """Size of an image that the polygons fit into, where the file gives none."""
    corners = np.array(list(chain.from_iterable(polygons)), dtype=np.float64).reshape(-1, 2)
    if len(corners) and not np.abs(corners).max() <= MAX_CANVAS:
        raise ValueError(f'its corners lie beyond {MAX_CANVAS} pixels')
    width, height = np.ceil(corners.max(0, initial=0)).astype(int).tolist()
    return height + 1, width + 1
