"""Outlines of masks along the edges of pixels: polygons that cover exactly the pixels of a mask."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]
Ring = list[Point]


class Outline(NamedTuple):
    """A connected part of a mask.

    Attributes:
        outer: Corners (x, y) around it, clockwise as seen on the screen; the first is not repeated.
        holes: Corners around what it does not cover, the other way round.
    """

    outer: Ring
    holes: list[Ring]


def outlines_of(mask: NDArray[Any]) -> list[Outline]:
    """The parts of a mask whose pixels are connected by their sides, from top to bottom.

    Args:
        mask: ``(H, W)`` bool.

    Example:
        >>> outlines_of(np.array([[True, True]]))
        [Outline(outer=[(0, 0), (2, 0), (2, 1), (0, 1)], holes=[])]
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    part = np.ascontiguousarray(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    parts = cv2.connectedComponents(part.astype(np.uint8), connectivity=4)[1]
    rings: dict[int, list[Ring]] = defaultdict(list)
    for ring in _rings(part):
        rings[_part_of(ring, parts)].append([(x + left, y + top) for x, y in _corners(ring)])
    found = []
    for _, members in sorted(rings.items()):
        outer = next(place for place, ring in enumerate(members) if signed_area(ring) > 0)
        found.append(Outline(members[outer], members[:outer] + members[outer + 1 :]))
    return found


def signed_area(ring: Ring) -> float:
    """Area inside a ring, positive if it runs clockwise on the screen."""
    points = np.array(ring, float)
    following = np.roll(points, -1, axis=0)
    return float((points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum() / 2)


def joined(outline: Outline) -> Ring:
    """A part with its holes as one polygon, joined by cuts without width, for formats without holes."""
    path = [*outline.outer]
    for hole in outline.holes:
        path += [outline.outer[0], *hole, hole[0]]
    return path


def _rings(mask: NDArray[Any]) -> list[Ring]:
    """Closed walks along the edges between mask and rest, the mask to their right."""
    ends = _edges(mask)
    rings = []
    while ends:
        start = next(iter(ends))
        ring, direction = [start], (0, 0)
        place = start
        while True:
            choices = ends[place]
            following = choices[0] if len(choices) == 1 else _right_turn(place, direction, choices)
            choices.remove(following)
            if not choices:
                del ends[place]
            direction = following[0] - place[0], following[1] - place[1]
            place = following
            if place == start and _ahead(place, direction) not in ends.get(place, ()):
                break
            ring.append(place)
        rings.append(ring)
    return rings


def _edges(mask: NDArray[Any]) -> dict[Point, list[Point]]:
    """The ends of the edges that begin at each corner of a pixel."""
    padded = np.pad(mask, 1).astype(np.int8)
    across = padded[1:, 1:-1] - padded[:-1, 1:-1]  # (H + 1, W): 1 above a pixel of the mask
    along = padded[1:-1, 1:] - padded[1:-1, :-1]  # (H, W + 1): 1 left of one
    ends: dict[Point, list[Point]] = defaultdict(list)
    for sign, ahead in ((1, (0, 1)), (-1, (1, 0))):
        for y, x in np.argwhere(across == sign).tolist():
            ends[x + ahead[0], y].append((x + ahead[1], y))
        for y, x in np.argwhere(along == sign).tolist():
            ends[x, y + ahead[1]].append((x, y + ahead[0]))
    return dict(ends)


def _right_turn(place: Point, direction: Point, choices: list[Point]) -> Point:
    """Of two edges at a corner where pixels touch diagonally, the one that stays with the pixel."""
    wanted = _ahead(place, direction)
    return wanted if wanted in choices else choices[0]


def _ahead(place: Point, direction: Point) -> Point:
    """The next corner after a turn to the right."""
    return place[0] - direction[1], place[1] + direction[0]


def _part_of(ring: Ring, parts: NDArray[Any]) -> int:
    """Number of the connected part on the right of the first edge."""
    (x0, y0), (x1, y1) = ring[0], ring[1]
    dx, dy = x1 - x0, y1 - y0
    column = x0 if dx > 0 or dy < 0 else x0 - 1
    row = y0 if dx > 0 or dy > 0 else y0 - 1
    return int(parts[row, column])


def _corners(ring: Ring) -> Ring:
    """The points where a walk turns."""
    points = np.array(ring)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = (before != after).any(1)
    return [(int(x), int(y)) for x, y in points[turns]]
