"""Classes, segments and instances of a result, with masks that are unpacked on access."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .run_lengths import encode_mask

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Segment:
    """A segment of a panoptic result, an object, or all pixels of a class.

    Attributes:
        id: Its number in the image, from 1; that of the id map, if it is a segment of one.
        category_id: Index of its class.
        name: Name of its class.
        isthing: Whether its class is a thing class; None if that is not known.
        score: Confidence from 0 to 1; None for the pixels of a class.
    """

    id: int
    category_id: int
    name: str
    isthing: bool | None
    score: float | None
    unpack: Callable[[], NDArray[Any]] = field(repr=False, compare=False)

    @property
    def mask(self) -> NDArray[Any]:
        """Its pixels ``(H, W)`` bool, computed each time."""
        return self.unpack()

    @property
    def area(self) -> int:
        """Number of its pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def bbox(self) -> Box:
        """Left, top, right, bottom in pixels, the last two just outside; zeros for an empty mask."""
        return box_of(self.mask)

    def to_json(self) -> dict[str, Any]:
        """As COCO lists annotations: ``bbox`` is left, top, width, height; ``segmentation`` run lengths."""
        mask = self.mask
        left, top, right, bottom = box_of(mask)
        return dict(
            id=self.id,
            category_id=self.category_id,
            category=self.name,
            isthing=self.isthing,
            score=self.score,
            area=int(np.count_nonzero(mask)),
            bbox=[left, top, right - left, bottom - top],
            segmentation=encode_mask(mask),
        )


class SegmentList(list[Segment]):
    """Segments, with their properties as arrays.

    Args:
        segments: The segments.
        size: Height and width of their image.
    """

    def __init__(self, segments: Sequence[Segment], size: tuple[int, int]) -> None:
        super().__init__(segments)
        self.size = size

    def above(self, score: float) -> SegmentList:
        """Those with at least this score."""
        return SegmentList([segment for segment in self if (segment.score or 0) >= score], self.size)

    @property
    def labels(self) -> NDArray[Any]:
        """Indices of the classes ``(N,)``."""
        return np.array([segment.category_id for segment in self], dtype=np.int64)

    @property
    def names(self) -> list[str]:
        """Names of the classes."""
        return [segment.name for segment in self]

    @property
    def scores(self) -> NDArray[Any]:
        """Confidences ``(N,)`` float64, nan where there is none."""
        return np.array([np.nan if s.score is None else s.score for s in self], dtype=np.float64)

    @property
    def masks(self) -> NDArray[Any]:
        """All masks ``(N, H, W)`` bool, unpacked now."""
        masks = np.zeros((len(self), *self.size), dtype=bool)
        for mask, segment in zip(masks, self):
            mask[:] = segment.mask
        return masks

    @property
    def bboxes(self) -> NDArray[Any]:
        """Boxes ``(N, 4)``: left, top, right, bottom."""
        return np.array([segment.bbox for segment in self], dtype=np.int64).reshape(-1, 4)


def of_map(numbers: NDArray[Any], number: int) -> Callable[[], NDArray[Any]]:
    """The mask of a number in a map, computed on access."""
    return partial(np.equal, numbers, number)


def packed(mask: NDArray[Any]) -> Callable[[], NDArray[Any]]:
    """A mask ``(H, W)`` bool, stored as the bits within its box and unpacked on access."""
    left, top, right, bottom = box_of(mask)
    window = slice(top, bottom), slice(left, right)
    return partial(_unpack, np.packbits(mask[window]), mask.shape, window)


def _unpack(bits: NDArray[Any], shape: tuple[int, int], window: tuple[slice, slice]) -> NDArray[Any]:
    mask = np.zeros(shape, dtype=bool)
    inside = mask[window]
    inside[:] = np.unpackbits(bits, count=inside.size).reshape(inside.shape)
    return mask


def box_of(mask: NDArray[Any]) -> Box:
    """Left, top, right, bottom of a mask ``(H, W)`` bool; zeros if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class Classes:
    """The classes of a model.

    Attributes:
        names: Their names.
        palette: Their colors (red, green, blue); None if the data set has none.
        things: The names of the thing classes; None if the data set does not define them.
        category_ids: Their ids in the data set's files; their indices where it has none.
    """

    names: tuple[str, ...]
    palette: Sequence[Sequence[int]] | None
    things: frozenset[str] | None
    category_ids: tuple[int, ...]

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Classes:
        """The classes of a data set's metainfo."""
        names, things = tuple(meta['classes']), meta.get('thing_classes')
        ids = meta.get('category_ids') or range(len(names))
        return cls(
            names=names,
            palette=meta.get('palette') or None,
            things=None if things is None else frozenset(things),
            category_ids=tuple(int(number) for number in ids),
        )

    def is_thing(self, index: int) -> bool | None:
        """Whether a class is a thing class; None if that is not known."""
        return None if self.things is None else self.names[index] in self.things
