"""Overlapping tiles of an image: where they lie, and how their predictions become one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MATCHED = 0.5
"""Intersection over union, where two tiles overlap, above which two segments are one: never two of a tile."""


class Span(NamedTuple):
    """A tile along one axis.

    Attributes:
        start: First pixel.
        stop: Last pixel + 1.
        first: First pixel that its prediction is used for, mixed with the previous tile's up to ``left``.
        left: First pixel that is not mixed with the previous tile's.
        right: First pixel that is mixed with the next tile's.
        last: Last pixel + 1 that its prediction is used for.
    """

    start: int
    stop: int
    first: int
    left: int
    right: int
    last: int

    @property
    def cut(self) -> tuple[int, int]:
        """The part of the axis that is nearer to this tile's middle than to another's."""
        return (self.first + self.left) // 2, (self.right + self.last) // 2

    @property
    def used(self) -> slice:
        """The part of the tile that is used, counted from its start."""
        return slice(self.first - self.start, self.last - self.start)

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weight of each used pixel; those of neighbors sum to one where they overlap."""
        weights = np.ones(self.last - self.first, np.float32)
        rising, falling = self.left - self.first, self.last - self.right
        if rising:
            weights[:rising] = (np.arange(rising) + 0.5) / rising
        if falling:
            weights[len(weights) - falling :] = (np.arange(falling, 0, -1) - 0.5) / falling
        return weights


class Tile(NamedTuple):
    """A tile of an image.

    Attributes:
        row: Its place from above.
        column: Its place from the left.
        rows: Along the height.
        columns: Along the width.
    """

    row: int
    column: int
    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """The tile in the image."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)

    @property
    def cut(self) -> tuple[slice, slice]:
        """The part of the image that belongs to no other tile."""
        return slice(*self.rows.cut), slice(*self.columns.cut)


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Tiles along one axis: of one size, evenly spaced, and overlapping by ``overlap`` or more.

    Where two tiles overlap by more, they are mixed in the middle of the overlap, so that never more than two
    are.

    Args:
        length: Of the axis.
        tile: Size of a tile.
        overlap: Least overlap of neighbors, less than half a tile.
    """
    if length <= tile:
        return [Span(0, length, 0, 0, length, length)]
    number = math.ceil((length - overlap) / (tile - overlap))
    starts = [round(place * (length - tile) / (number - 1)) for place in range(number)]
    step = (length - tile) // (number - 1) if number > 2 else tile
    mixed = [(0, 0)]
    for start, following in pairwise(starts):
        common = start + tile - following
        width = min(overlap, common, max(step - 1, 0))
        middle = following + common // 2
        mixed.append((middle - width // 2, middle - width // 2 + width))
    mixed.append((length, length))
    return [
        Span(start, start + tile, *before, *after) for start, before, after in zip(starts, mixed, mixed[1:])
    ]


def tiles_of(size: tuple[int, int], tile: tuple[int, int], overlap: int) -> list[list[Tile]]:
    """Rows of tiles that cover an image; see `spans`.

    Args:
        size: Height and width of the image.
        tile: Height and width of a tile; an image that is smaller has smaller ones.
        overlap: Least number of pixels that neighbors share.

    Example:
        >>> [[t.window for t in row] for row in tiles_of((4, 10), (4, 6), 2)]
        [[(slice(0, 4), slice(0, 6)), (slice(0, 4), slice(4, 10))]]
    """
    rows, columns = (spans(*axis, overlap) for axis in zip(size, tile))
    return [[Tile(i, j, row, column) for j, column in enumerate(columns)] for i, row in enumerate(rows)]


class ScoreMixer:
    """Averages the scores of overlapping tiles, of which only the overlaps are kept.

    Tiles come row by row from the left.

    Args:
        size: Height and width of the image.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._beside: NDArray | None = None
        self._below: NDArray | None = None
        self._above: NDArray | None = None

    def add(self, tile: Tile, scores: NDArray) -> tuple[tuple[slice, slice], NDArray]:
        """Add a tile.

        Args:
            tile: The tile.
            scores: ``(K, h, w)`` of the whole tile.

        Returns:
            The part of the image that is finished by it, and its scores ``(K, h', w')``.
        """
        rows, columns = tile.rows, tile.columns
        weights = rows.weights[:, None] * columns.weights
        mixed = scores[:, rows.used, columns.used] * weights
        if tile.column == 0:
            self._above, self._below, self._beside = self._below, None, None
        done = columns.left - columns.first
        if self._beside is not None:
            mixed[:, :, :done] += self._beside
        if self._above is not None:
            mixed[:, : rows.left - rows.first, done:] += self._above[:, :, columns.left : columns.last]
        height, width = rows.right - rows.first, columns.right - columns.first
        self._beside = mixed[:, :, width:].copy()
        if rows.right < rows.last:
            if self._below is None:
                self._below = np.zeros((len(mixed), rows.last - rows.right, self.size[1]), mixed.dtype)
            self._below[:, :, columns.first : columns.right] = mixed[:, height:, :width]
        finished = slice(rows.first, rows.right), slice(columns.first, columns.right)
        return finished, mixed[:, :height, :width]


class Groups:
    """Numbers that stand for the same thing, joined pair by pair."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def new(self) -> int:
        """A new number, 0 first."""
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def find(self, number: int) -> int:
        """The number that stands for all that are joined with this one: the smallest."""
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Join two numbers, and what they are joined with."""
        low, high = sorted((self.find(one), self.find(other)))
        self._parents[high] = low

    def __len__(self) -> int:
        return len(self._parents)


def matched_ids(one: NDArray, other: NDArray) -> Iterator[tuple[int, int]]:
    """Pairs of segments that are the same in two id maps of the same pixels; 0 is no segment.

    Args:
        one: ``(h, w)`` ids.
        other: ``(h, w)`` ids.
    """
    if not one.size:
        return
    ones, firsts = np.unique(one, return_inverse=True)
    partners, seconds = np.unique(other, return_inverse=True)
    firsts, seconds = firsts.ravel(), seconds.ravel()
    common = np.bincount(firsts * len(partners) + seconds, minlength=len(ones) * len(partners))
    common = common.reshape(len(ones), len(partners))
    union = common.sum(1)[:, None] + common.sum(0) - common
    for row, column in zip(*np.nonzero(common > MATCHED * union)):
        if ones[row] and partners[column]:
            yield int(ones[row]), int(partners[column])


def mean_score(scores: Sequence[float], areas: Sequence[float]) -> float:
    """Mean of the scores of the parts of a segment, weighted by their areas."""
    return float(np.average(scores, weights=np.maximum(areas, 1e-9)))
