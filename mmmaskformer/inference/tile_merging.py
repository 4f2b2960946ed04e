"""Predictions of tiles merged into one: label maps, segments and objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..functional.tiles import MATCHED, Groups, ScoreMixer, Tile, matched_ids, mean_score

Info = dict[str, Any]


class SemanticMerger:
    """The label map of an image, from scores that are averaged where tiles overlap.

    Args:
        size: Height and width of the image.
        void: Label of pixels where a single class was not found.
        keep: Keep the scores of all pixels in ``scores``, ``(K, H, W)`` float16.
    """

    def __init__(self, size: tuple[int, int], void: int = 255, keep: bool = False) -> None:
        self.labels = np.zeros(size, np.uint16)
        self.void, self.keep = void, keep
        self.scores: NDArray | None = None
        self._mixer = ScoreMixer(size)

    def add(self, tile: Tile, scores: NDArray) -> None:
        """Add the scores ``(K, h, w)`` of a tile."""
        place, mixed = self._mixer.add(tile, scores)
        found = mixed.argmax(0) if len(mixed) > 1 else np.where(mixed[0] > 0.5, 0, self.void)
        self.labels[place] = found
        if self.keep:
            if self.scores is None:
                self.scores = np.zeros((len(mixed), *self.labels.shape), np.float16)
            self.scores[:, place[0], place[1]] = mixed

    def add_labels(self, tile: Tile, labels: NDArray) -> None:
        """Add the label map ``(h, w)`` of a tile, for models without scores."""
        self.labels[tile.cut] = labels[_inside(tile)]


class PanopticMerger:
    """Segments of an image: things that agree where tiles overlap are one, and so is all stuff of a class.

    Args:
        size: Height and width of the image.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.ids = np.zeros(size, np.int32)
        self._groups = Groups()
        self._groups.new()  # 0 stands for no segment
        self._infos: dict[int, Info] = {}
        self._stuff: dict[int, int] = {}
        self._beside: NDArray | None = None
        self._below: NDArray | None = None
        self._above: NDArray | None = None

    def add(self, tile: Tile, ids: NDArray, segments: list[Info]) -> None:
        """Add the id map ``(h, w)`` and the segments of a tile."""
        table = np.zeros(max([0, *(segment['id'] for segment in segments)]) + 1, np.int32)
        for segment in segments:
            number = self._groups.new()
            table[segment['id']] = number
            self._infos[number] = segment
            if not segment['isthing']:
                first = self._stuff.setdefault(segment['category_id'], number)
                self._groups.join(first, number)
        numbers = table[ids]
        if tile.column == 0:
            self._above, self._below, self._beside = self._below, None, None
        self._join_neighbors(tile, numbers)
        self.ids[tile.cut] = numbers[_inside(tile)]

    def _join_neighbors(self, tile: Tile, numbers: NDArray) -> None:
        rows, columns = tile.rows, tile.columns
        left = slice(columns.first - columns.start, columns.left - columns.start)
        right = slice(columns.right - columns.start, columns.last - columns.start)
        top = slice(rows.first - rows.start, rows.left - rows.start)
        bottom = slice(rows.right - rows.start, rows.last - rows.start)
        own = slice(columns.cut[0] - columns.start, columns.cut[1] - columns.start)
        if self._beside is not None:
            self._join(self._beside, numbers[:, left])
        if self._above is not None:
            self._join(self._above[:, slice(*columns.cut)], numbers[top, own])
        self._beside = numbers[:, right].copy()
        if rows.right < rows.last:
            if self._below is None:
                self._below = np.zeros((rows.last - rows.right, self.ids.shape[1]), np.int32)
            self._below[:, slice(*columns.cut)] = numbers[bottom, own]

    def _join(self, one: NDArray, other: NDArray) -> None:
        for number, partner in matched_ids(one, other):
            if self._infos[number]['category_id'] == self._infos[partner]['category_id']:
                self._groups.join(number, partner)

    def finish(self) -> tuple[NDArray, list[Info]]:
        """The id map ``(H, W)`` int32, numbered from 1, and its segments.

        Scores are means over the tiles, weighted by area.
        """
        areas = np.bincount(self.ids.ravel(), minlength=len(self._groups))
        members = defaultdict(list)
        for number in self._infos:
            if areas[number]:
                members[self._groups.find(number)].append(number)
        table = np.zeros(len(self._groups), np.int32)
        segments = []
        for place, (root, numbers) in enumerate(sorted(members.items()), start=1):
            table[numbers] = place
            scores = [self._infos[number]['score'] for number in numbers]
            score = mean_score(scores, areas[numbers].tolist())
            segments.append({**self._infos[root], 'id': place, 'score': score})
        for start in range(0, len(self.ids), 1024):
            self.ids[start : start + 1024] = table[self.ids[start : start + 1024]]
        return self.ids, segments


class InstanceMerger:
    """Objects of an image, which may overlap: those that agree where tiles overlap are one.

    Args:
        size: Height and width of the image.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._groups = Groups()
        self._found: list[tuple[int, float, Tile, NDArray]] = []
        self._tiles: dict[tuple[int, int], list[int]] = defaultdict(list)

    def add(self, tile: Tile, labels: NDArray, scores: NDArray, masks: NDArray) -> None:
        """Add the objects of a tile: ``(N,)`` classes and scores, and ``(N, h, w)`` masks."""
        own = self._tiles[tile.row, tile.column]
        for label, score, mask in zip(labels.tolist(), scores.tolist(), masks):
            if not mask[tile.rows.used, tile.columns.used].any():
                continue
            own.append(self._groups.new())
            self._found.append((label, score, tile, np.packbits(mask, axis=1)))
        for neighbor in ((tile.row, tile.column - 1), (tile.row - 1, tile.column)):
            for one in self._tiles.get(neighbor, ()):
                for other in own:
                    if self._found[one][0] == self._found[other][0] and self._agree(one, other):
                        self._groups.join(one, other)

    def _agree(self, one: int, other: int) -> bool:
        """Whether two objects of neighboring tiles cover the same pixels of what both tiles see."""
        tiles = self._found[one][2], self._found[other][2]
        rows = max(t.rows.first for t in tiles), min(t.rows.last for t in tiles)
        columns = max(t.columns.first for t in tiles), min(t.columns.last for t in tiles)
        first, second = (self._part(number, rows, columns) for number in (one, other))
        common = np.count_nonzero(first & second)
        return bool(common > MATCHED * np.count_nonzero(first | second))

    def _part(self, number: int, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray:
        tile, bits = self._found[number][2:]
        width = tile.columns.stop - tile.columns.start
        packed = bits[rows[0] - tile.rows.start : rows[1] - tile.rows.start]
        mask = np.unpackbits(packed, axis=1, count=width).view(bool)
        return mask[:, columns[0] - tile.columns.start : columns[1] - tile.columns.start]

    def finish(self) -> Iterator[tuple[int, float, NDArray]]:
        """Class, score and mask ``(H, W)`` of each object, best first; scores are those of the best part."""
        members = defaultdict(list)
        for number in range(len(self._found)):
            members[self._groups.find(number)].append(number)
        best = {root: max(self._found[number][1] for number in members[root]) for root in members}
        for root in sorted(members, key=lambda root: -best[root]):
            mask = np.zeros(self.size, bool)
            for number in members[root]:
                tile = self._found[number][2]
                mask[tile.cut] |= self._part(number, tile.rows.cut, tile.columns.cut)
            if mask.any():
                yield self._found[root][0], best[root], mask


def _inside(tile: Tile) -> tuple[slice, slice]:
    """The part of a tile that belongs to it alone, counted from its corner."""
    (top, bottom), (left, right) = tile.rows.cut, tile.columns.cut
    return (
        slice(top - tile.rows.start, bottom - tile.rows.start),
        slice(left - tile.columns.start, right - tile.columns.start),
    )
