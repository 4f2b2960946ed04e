"""Sizes and bilinear resizing: images as OpenCV resizes them, maps of logits as PyTorch does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Values in work at a time: few enough to stay in a core's cache.
BAND_VALUES = 2**21


class OutputSize(NamedTuple):
    """How masks get from the network to the original image; (height, width) each.

    Attributes:
        padded: Size of the network's input, to which mask logits are upsampled first.
        image: Size of the image in its upper left corner, without padding.
        output: Size of the original image.
        mask_stride: Distance of the input's pixels on which those of the masks lie (DeepLab); None if they
            cover it evenly.
    """

    padded: tuple[int, int]
    image: tuple[int, int]
    output: tuple[int, int]
    mask_stride: int | None = None


def line_weights(source: int, target: int) -> NDArray[np.float32]:
    """``(target, source)`` weights of bilinear resizing along a line, with half-pixel centers."""
    if source == target:
        return np.eye(source, dtype=np.float32)
    step = np.float32(source / target)
    places = np.maximum(step * (np.arange(target, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5), 0)
    first = np.minimum(places.astype(np.int64), source - 1)
    return _two_taps(first, places - first.astype(np.float32), source)


def grid_weights(source: int, target: int, stride: int) -> NDArray[np.float32]:
    """``(target, source)`` weights where pixel i of the source lies on pixel ``stride * i`` of the target.

    What lies beyond the last one repeats it.
    """
    places = np.minimum(np.arange(target, dtype=np.float32) / np.float32(stride), np.float32(source - 1))
    first = places.astype(np.int64)
    return _two_taps(first, places - first.astype(np.float32), source)


def _two_taps(first: NDArray[Any], ahead: NDArray[Any], source: int) -> NDArray[np.float32]:
    weights = np.zeros((len(first), source), np.float32)
    rows = np.arange(len(first))
    weights[rows, first] = 1 - ahead
    weights[rows, np.minimum(first + 1, source - 1)] += ahead
    return weights


def mask_weights(source: int, side: int, size: OutputSize) -> NDArray[np.float32]:
    """``(output, source)`` weights along rows (side 0) or columns (1), by way of the input."""
    padded, image, output = (part[side] for part in size[:3])
    stride = size.mask_stride
    weights = grid_weights(source, padded, stride) if stride else line_weights(source, padded)
    weights = weights[:image]
    return weights if image == output else line_weights(image, output) @ weights


def bands(num_rows: int, values_per_row: int) -> Iterator[tuple[int, int]]:
    """First and last + 1 row of each band, as many rows as may be in work at a time."""
    step = max(1, BAND_VALUES // max(1, values_per_row))
    for start in range(0, num_rows, step):
        yield start, min(start + step, num_rows)


class RowResizer:
    """Resizes maps a band of rows at a time, from the few rows that each band needs.

    Args:
        maps: ``(h, w, C)`` float32.
        size: Sizes of input, image and output.
    """

    def __init__(self, maps: NDArray[Any], size: OutputSize) -> None:
        self._maps = maps
        self._rows, self._columns = (mask_weights(maps.shape[side], side, size) for side in (0, 1))

    def sources(self, start: int, stop: int) -> tuple[int, int]:
        """First and last + 1 row of the maps that the output's rows ``[start, stop)`` are made of."""
        used = np.flatnonzero(self._rows[start:stop].any(0))
        return int(used[0]), int(used[-1]) + 1

    def resize(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows ``[start, stop)`` of the output, ``(stop - start, W, C)``."""
        first, last = self.sources(start, stop)
        return resize_rows(self._maps[first:last], self._rows[start:stop, first:last], self._columns)


def resize_rows(
    maps: NDArray[Any], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """``(n, w, C)`` maps -> ``(H, W, C)``, by weights ``(H, n)`` of rows and ``(W, w)`` of columns.

    Equal maps give equal results, bit for bit, which products of matrices do not promise.
    """
    wide = _weighted(maps.transpose(1, 0, 2), columns)
    return _weighted(wide.transpose(1, 0, 2), rows)


def _weighted(lines: NDArray[Any], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(source, ...)`` lines -> ``(target, ...)`` sums of a few of them, by weights ``(target, source)``."""
    used = weights != 0
    most = int(used.sum(1).max(initial=1))
    taps = np.argsort(~used, axis=1, kind='stable')[:, :most]
    sums: Any = None
    for index, share in zip(taps.T, np.take_along_axis(weights, taps, 1).T):
        part = lines[index]
        part *= share.reshape(-1, *(1,) * (lines.ndim - 1))
        sums = part if sums is None else np.add(sums, part, out=sums)
    return sums
