"""COCO's run lengths of a mask as text, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode_mask(mask: NDArray[Any]) -> dict[str, Any]:
    """Run lengths of a mask ``(H, W)``, as pycocotools encodes them, with text for JSON.

    Example:
        >>> encode_mask(np.array([[False, True], [False, True]]))
        {'size': [2, 2], 'counts': '22'}
    """
    height, width = mask.shape
    pixels = np.asarray(mask, bool).ravel(order='F')
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts = np.diff([0, *changes.tolist(), pixels.size]).tolist()
    if pixels.size and pixels[0]:
        counts.insert(0, 0)
    return dict(size=[height, width], counts=''.join(_text(counts)))


def _text(counts: list[int]) -> list[str]:
    """Counts from the third on are differences to the one before last, written in digits of 5 bits."""
    letters = []
    for index, count in enumerate(counts):
        number = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            digit = number & 31
            number >>= 5
            more = number != -1 if digit & 16 else number != 0
            letters.append(chr(48 + (digit | 32 if more else digit)))
    return letters
