"""Headers of image files, read without decoding pixels: parts, size, channels, bits, EXIF orientation."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine import fileio
from numpy.typing import NDArray
from PIL import Image

from ..runtime.image_files import JPEG, PNG, jpeg_parts, png_chunks

STORED = 1
"""Orientation of pixels that are stored as they are shown."""
ORIENTATION = 0x0112
HEADER = b'Exif\0\0'
JPEG_APP1 = b'\xe1'
WEBP_CHUNKS = 12  # where they begin
NUMBERS = {3: 'H', 4: 'I'}  # types of TIFF: 16 and 32 bits


def orientation_of(content: bytes) -> int:
    """Read the EXIF orientation of a JPEG, PNG or WebP file, in microseconds.

    Other formats return 1 here: decoders always turn TIFF files themselves.

    Args:
        content: The whole file, or its beginning up to the pixels of a JPEG.

    Returns:
        1 (as stored) to 8, as EXIF numbers them; 1 if there is none, or none that can be read.
    """
    try:
        block = _exif_of(content)
        return STORED if block is None else _orientation(block.removeprefix(HEADER))
    except (struct.error, IndexError):  # broken
        return STORED


def swaps_sides(orientation: int) -> bool:
    """Whether this orientation turns an image by 90 degrees, so that height and width are exchanged."""
    return orientation > 4


def turn(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn stored pixels the way viewers show them.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        orientation: 1 to 8, as EXIF numbers them.

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
    """Read the tag from the first directory of a TIFF header."""
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


PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""By color type; a palette has three."""
PILLOW_KINDS = {'1': (1, 1), 'L': (1, 8), 'P': (3, 8), 'LA': (2, 8), 'RGB': (3, 8), 'RGBA': (4, 8)}
PILLOW_KINDS |= {'CMYK': (4, 8), 'YCbCr': (3, 8), 'I;16': (1, 16), 'I;16B': (1, 16), 'F': (1, 32)}
TIFF_BITS, TIFF_SAMPLES = 258, 277
RIFF = b'RIFF'  # of WebP
HEAD = 1 << 17
"""Bytes that are read first. They include the EXIF data of a JPEG; PNG and WebP may have it at the end."""


class ImageHeader(NamedTuple):
    """Size and kind of an image, according to its file.

    Attributes:
        height: In pixels, as stored.
        width: In pixels, as stored.
        channels: Number of channels.
        bits: Bits of a channel.
        turned: Whether the loaders turn or mirror it by its EXIF orientation (`orientation_of`).
        swapped: Whether they turn it by a quarter.
    """

    height: int
    width: int
    channels: int
    bits: int
    turned: bool = False
    swapped: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """Height and width as viewers show the image."""
        return (self.width, self.height) if self.swapped else (self.height, self.width)


def read_header(path: str, backend_args: dict | None = None) -> ImageHeader:
    """Read the header of an image file; formats unknown to Pillow are decoded completely.

    Raises:
        OSError: The file is missing.
        ValueError: It is not an image that OpenCV decodes.
    """
    if backend_args or '://' in path:
        return _parse(io.BytesIO(bytes(fileio.get(path, backend_args))))
    with open(path, 'rb') as file:
        return _parse(file)


def _parse(file: Any) -> ImageHeader:
    start = file.read(HEAD)
    if start.startswith((PNG, RIFF)):
        start += file.read()
    orientation = orientation_of(start)
    turned = orientation != STORED, swaps_sides(orientation)
    if start.startswith(PNG) and len(start) >= 26:
        width, height, bits, color = struct.unpack_from('>IIBB', start, 16)
        if color in PNG_CHANNELS:
            return ImageHeader(height, width, PNG_CHANNELS[color], max(bits, 8), *turned)
    file.seek(0)
    try:
        with Image.open(file) as image:
            return ImageHeader(image.height, image.width, *_kind(image), *turned)
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError):
        pass
    file.seek(0)
    content = np.frombuffer(file.read(), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if len(content) else None
    if pixels is None:
        raise ValueError('it is not an image')
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    height, width = pixels.shape[:2]
    return ImageHeader(height, width, channels, 8 * pixels.dtype.itemsize)


def _kind(image: Any) -> tuple[int, int]:
    """Number of channels, and bits of a channel; TIFF has tags for them."""
    tags = getattr(image, 'tag_v2', None)
    if tags is not None and TIFF_BITS in tags:
        bits = tags[TIFF_BITS]
        return int(tags.get(TIFF_SAMPLES, 1)), int(bits[0] if isinstance(bits, tuple) else bits)
    return PILLOW_KINDS[image.mode]
