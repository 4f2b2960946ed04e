"""The EXIF orientation of an image file: cameras store pixels as their sensor lies, and how to turn them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .whole_files import JPEG, PNG, jpeg_parts, png_chunks

STORED = 1
"""Orientation of pixels that are stored as they are shown."""
ORIENTATION = 0x0112
HEADER = b'Exif\0\0'
JPEG_APP1 = b'\xe1'
WEBP_CHUNKS = 12  # where they begin
NUMBERS = {3: 'H', 4: 'I'}  # types of TIFF: 16 and 32 bits


def orientation_of(content: bytes) -> int:
    """Read how the pixels of a JPEG, PNG or WebP file are to be turned; microseconds, no pixel is decoded.

    Other formats have none here: decoders turn TIFF files themselves, always.

    Args:
        content: The whole file, or its beginning up to the pixels of a JPEG.

    Returns:
        1 (as stored) to 8, as EXIF counts them; 1 where there is none, or none that can be read.
    """
    try:
        block = _exif_of(content)
        return STORED if block is None else _orientation(block.removeprefix(HEADER))
    except (struct.error, IndexError):  # broken
        return STORED


def swaps_sides(orientation: int) -> bool:
    """Whether an image of this orientation is turned by a quarter, so that height and width change places."""
    return orientation > 4


def turn(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn stored pixels as viewers show them.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        orientation: 1 to 8, as EXIF counts them.

    Returns:
        The turned pixels; ``(W, H)`` or ``(W, H, C)`` for orientations from 5 on.

    Example:
        >>> turn(np.array([[1, 2, 3]]), 6)  # a quarter clockwise
        array([[1],
               [2],
               [3]])
    """
    if swaps_sides(orientation):
        image = image.swapaxes(0, 1)
    rows, columns = ((1, 1), (1, -1), (-1, -1), (-1, 1))[(orientation - 1) % 4]
    return np.ascontiguousarray(image[::rows, ::columns])


def _exif_of(content: bytes) -> bytes | None:
    if content.startswith(JPEG):
        parts = (content[start:end] for marker, start, end in jpeg_parts(content) if marker == JPEG_APP1)
        return next((part for part in parts if part.startswith(HEADER)), None)
    if content.startswith(PNG):
        chunks = (content[start:end] for name, start, end in png_chunks(content) if name == b'eXIf')
        return next(chunks, None)
    if content[:4] == b'RIFF' and content[8:WEBP_CHUNKS] == b'WEBP':
        return _webp_exif(content)
    return None


def _webp_exif(content: bytes) -> bytes | None:
    place = WEBP_CHUNKS
    while place + 8 <= len(content):
        name, length = struct.unpack_from('<4sI', content, place)
        if name == b'EXIF':
            return content[place + 8 : place + 8 + length]
        place += 8 + length + length % 2
    return None


def _orientation(block: bytes) -> int:
    """Look the tag up in the first directory of a TIFF header."""
    order = {b'II': '<', b'MM': '>'}.get(block[:2])
    if order is None:
        return STORED
    (place,) = struct.unpack_from(f'{order}I', block, 4)
    (number,) = struct.unpack_from(f'{order}H', block, place)
    for entry in range(place + 2, place + 2 + 12 * number, 12):
        tag, kind = struct.unpack_from(f'{order}HH', block, entry)
        if tag == ORIENTATION and kind in NUMBERS:
            (value,) = struct.unpack_from(f'{order}{NUMBERS[kind]}', block, entry + 8)
            return value if 1 <= value <= 8 else STORED
    return STORED
