"""Label maps as PNGs, in the numbers of a data set's own label files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from numpy.typing import NDArray

from ..utils import opencv_path


def number_labels(
    labels: NDArray[Any],
    num_classes: int,
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
) -> NDArray[Any]:
    """Class indices in the numbers of label files, of 8 bits where these suffice, else of 16.

    Args:
        labels: Class of every pixel ``(H, W)``; what is not in ``[0, num_classes)`` has no class.
        num_classes: Number of classes, which decides the number of bits, so that all files of a set are
            alike.
        reduce_zero_label: The files count classes from 1, and 0 is no class, as in ADE20K. Otherwise no class
            is the largest number: 255, or 65535 in 16 bits.
        label_map: Class index of each number of the files, for data sets that use a part of their classes.

    Returns:
        ``(H, W)`` uint8 or uint16.

    Example:
        >>> number_labels(np.array([[0, 1, 255]]), 2, reduce_zero_label=True).tolist()
        [[1, 2, 0]]
    """
    numbers = np.arange(num_classes + 1)  # the last is no class
    for number, index in sorted((label_map or {}).items(), reverse=True):
        if 0 <= index < num_classes:
            numbers[index] = number
    numbers = numbers + reduce_zero_label
    eight_bits = numbers[:-1].max(initial=0) < (256 if reduce_zero_label else 255)
    dtype = np.uint8 if eight_bits else np.uint16
    numbers[-1] = 0 if reduce_zero_label else np.iinfo(dtype).max
    whole = labels.astype(np.int64)
    known = (whole >= 0) & (whole < num_classes)
    return numbers.astype(dtype)[np.where(known, whole, num_classes)]


def write_image(image: NDArray[Any], path: str | Path) -> Path:
    """Write an image ``(H, W)`` or BGR ``(H, W, 3)``, and its folder.

    Raises:
        OSError: The file cannot be written.
    """
    if not mmcv.imwrite(image, opencv_path(path)):
        raise OSError(f'{path} could not be written')
    return Path(path)
