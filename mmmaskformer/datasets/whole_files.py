"""Whether the bytes of an image are all there, which decoders do not all say."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

PNG = b'\x89PNG\r\n\x1a\n'
JPEG = b'\xff\xd8'
JPEG_PIXELS = b'\xda'
JPEG_END = b'\xff\xd9'
CUT_OFF = 'it is cut off: its end is missing'
# Of a part with a length; no marker are a stuffed zero, a restart, the end and filling bytes.
_MARKER = re.compile(rb'\xff+([^\x00\x01\xd0-\xd9\xff])')


def check_whole(content: bytes) -> None:
    """Refuse a JPEG that lacks its end, and a PNG that lacks it or whose checksums are wrong.

    OpenCV 4 fills the rest of such an image with grey, and Pillow does not look at checksums. Bytes behind
    the end do no harm. JPEG has no checksum, and other formats are left to their decoders.

    Args:
        content: The whole file.

    Raises:
        ValueError: Bytes are missing or were changed.
    """
    if content.startswith(PNG):
        _check_png(content)
    elif content.startswith(JPEG):
        _check_jpeg(content)


def check_lossless(content: bytes) -> None:
    """Refuse a JPEG where every pixel counts.

    Raises:
        ValueError: The file is a JPEG, whatever its name says.
    """
    if content.startswith(JPEG):
        raise ValueError('it is a JPEG, which alters labels: write them as PNG')


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the data of each whole chunk of a PNG, which its checksum follows."""
    place = len(PNG)
    while place + 12 <= len(content):
        length, name = struct.unpack_from('>I4s', content, place)
        start, end = place + 8, place + 8 + length
        if end + 4 > len(content):
            return
        yield name, start, end
        place = end + 4


def jpeg_parts(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Marker, start and end of the data of each part of a JPEG's head; the last one is that of the pixels."""
    place = len(JPEG)
    while match := _MARKER.search(content, place):
        length = match.end()
        start = length + 2
        place = length + int.from_bytes(content[length:start], 'big')
        yield match[1], start, place
        if match[1] == JPEG_PIXELS:
            return


def _check_png(content: bytes) -> None:
    """Compare checksums, but for those of chunks that decoders may ignore."""
    view = memoryview(content)
    for name, start, end in png_chunks(content):
        needed = not name[0] & 0x20
        checksum = int.from_bytes(content[end : end + 4], 'big')
        if needed and zlib.crc32(view[start - 4 : end]) != checksum:
            raise ValueError(f'its bytes were changed: the checksum of its part {_text(name)} is wrong')
        if name == b'IEND':
            return
    raise ValueError(CUT_OFF)


def _check_jpeg(content: bytes) -> None:
    """Look for the end behind the head, which may hold a preview with an end."""
    place = len(JPEG)
    for marker, start, end in jpeg_parts(content):
        place = start if marker == JPEG_PIXELS else end
    if content.find(JPEG_END, place) < 0:
        raise ValueError(CUT_OFF)


def _text(name: bytes) -> str:
    return name.decode('ascii', 'backslashreplace')
