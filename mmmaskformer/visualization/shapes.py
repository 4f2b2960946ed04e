"""Segments to paint, cut out of id maps and masks, each in its own window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from .fonts import legible_names
from .label_placement import Window

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)


@dataclass(frozen=True)
class Shape:
    """A segment to paint.

    ``mask`` (h, w) holds its pixels within ``window``, which reaches one pixel further than the segment on
    all sides that are not the image's edge. ``isthing``: its class is shaded per instance.
    """

    window: Window
    mask: np.ndarray
    category: int
    isthing: bool
    text: str

    def enlarged(self, scale: int) -> 'Shape':
        """The same segment in an image enlarged by an integer factor."""
        rows, columns = (slice(part.start * scale, part.stop * scale) for part in self.window)
        return replace(self, window=(rows, columns), mask=enlarge(self.mask, scale))

    def contour(self, thickness: int) -> np.ndarray:
        """Pixels of the segment (h, w) next to pixels outside of it, without the edges of the image."""
        return self.mask & ~cv2.erode(self.mask.astype(np.uint8), CROSS, iterations=thickness).astype(bool)


def enlarge(array: np.ndarray, scale: int) -> np.ndarray:
    """Repeats rows and columns."""
    return array.repeat(scale, axis=0).repeat(scale, axis=1)


def cut_ids(
    ids: np.ndarray, segments_info: Sequence[dict[str, Any]], classes: Sequence[str]
) -> Iterator[Shape]:
    """The segments of an id map (H, W) without overlaps, void (0) left out.

    Raises:
        ValueError: The map has an id without an entry in ``segments_info``, or a class is unknown.
    """
    described = {info['id']: info for info in segments_info}
    present, places = np.unique(ids, return_inverse=True)
    numbers = places.reshape(ids.shape).astype(np.int32) + 1
    for number, (identity, window) in enumerate(
        zip(present.tolist(), ndimage.find_objects(numbers)), start=1
    ):
        if identity == 0:
            continue
        if identity not in described:
            raise ValueError(
                f'The id map holds segment {identity}, which segments_info does not describe: '
                'pad and fill id maps with 0 (void).'
            )
        info = described[identity]
        text = class_name(info['category_id'], classes) + (' (crowd)' if info.get('iscrowd') else '')
        window = _grow(window, ids.shape)
        mask = numbers[window] == number
        yield Shape(window, mask, info['category_id'], bool(info.get('isthing', True)), text)


def cut_masks(
    labels: np.ndarray, masks: np.ndarray, scores: np.ndarray | None, classes: Sequence[str]
) -> Iterator[Shape]:
    """The instances of masks (N, H, W) with classes (N,) and scores (N,); empty masks are left out.

    Raises:
        ValueError: A class is unknown, or the numbers of labels and masks differ.
    """
    for number, (label, mask) in enumerate(zip(labels.tolist(), masks, strict=True)):
        text = class_name(label, classes) + ('' if scores is None else f' {scores[number]:.2f}')
        for window in ndimage.find_objects(mask.astype(np.uint8)):
            window = _grow(window, mask.shape)
            yield Shape(window, mask[window].astype(bool), label, True, text)


def class_name(category: int, classes: Sequence[str]) -> str:
    """Name of a class on one line, with characters that a font has (see `legible_names`).

    Raises:
        ValueError: The class index is out of range.
    """
    if not 0 <= category < len(classes):
        raise ValueError(
            f'A segment has class index {category}, but there are {len(classes)} classes: category_id must '
            'be the position of the class in classes, not the id of a data set.'
        )
    return legible_names(tuple(classes))[category]


def _grow(window: Window, size: tuple[int, ...]) -> Window:
    """The window with one more pixel on all sides, within the image."""
    rows, columns = (
        slice(max(part.start - 1, 0), min(part.stop + 1, length)) for part, length in zip(window, size)
    )
    return rows, columns
