"""Size and kind of image files, from their first bytes where these say it."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine import fileio
from PIL import Image

from .exif import STORED, orientation_of
from .whole_files import PNG

PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""By type of color; a palette holds three."""
PILLOW_KINDS = {'1': (1, 1), 'L': (1, 8), 'P': (3, 8), 'LA': (2, 8), 'RGB': (3, 8), 'RGBA': (4, 8)}
PILLOW_KINDS |= {'CMYK': (4, 8), 'YCbCr': (3, 8), 'I;16': (1, 16), 'I;16B': (1, 16), 'F': (1, 32)}
TIFF_BITS, TIFF_SAMPLES = 258, 277
RIFF = b'RIFF'  # of WebP
HEAD = 1 << 17
"""Bytes that are read first: the EXIF data of a JPEG lie there, of PNG and WebP they may lie at the end."""


class ImageHead(NamedTuple):
    """Size and kind of an image, as its file gives them.

    Attributes:
        height: In pixels, as stored.
        width: In pixels, as stored.
        channels: Their number.
        bits: Of a channel.
        turned: Whether the loaders turn or mirror it by its EXIF orientation (`exif.orientation_of`).
    """

    height: int
    width: int
    channels: int
    bits: int
    turned: bool = False


def read_head(path: str, backend_args: dict | None = None) -> ImageHead:
    """Read the head of an image file; kinds that Pillow does not know are decoded whole.

    Raises:
        OSError: The file is missing.
        ValueError: It is not an image that OpenCV decodes.
    """
    if backend_args or '://' in path:
        return _parse(io.BytesIO(bytes(fileio.get(path, backend_args))))
    with open(path, 'rb') as file:
        return _parse(file)


def _parse(file: Any) -> ImageHead:
    start = file.read(HEAD)
    if start.startswith((PNG, RIFF)):
        start += file.read()
    turned = orientation_of(start) != STORED
    if start.startswith(PNG) and len(start) >= 26:
        width, height, bits, color = struct.unpack_from('>IIBB', start, 16)
        if color in PNG_CHANNELS:
            return ImageHead(height, width, PNG_CHANNELS[color], max(bits, 8), turned)
    file.seek(0)
    try:
        with Image.open(file) as image:
            return ImageHead(image.height, image.width, *_kind(image), turned)
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError):
        pass
    file.seek(0)
    content = np.frombuffer(file.read(), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if len(content) else None
    if pixels is None:
        raise ValueError('it is not an image')
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    height, width = pixels.shape[:2]
    return ImageHead(height, width, channels, 8 * pixels.dtype.itemsize)


def _kind(image: Any) -> tuple[int, int]:
    """Channels, and bits of one; TIFF has tags for them."""
    tags = getattr(image, 'tag_v2', None)
    if tags is not None and TIFF_BITS in tags:
        bits = tags[TIFF_BITS]
        return int(tags.get(TIFF_SAMPLES, 1)), int(bits[0] if isinstance(bits, tuple) else bits)
    return PILLOW_KINDS[image.mode]
