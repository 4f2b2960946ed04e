"""Parts of image files, read without decoding pixels; files that are cut off or damaged are refused."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

PNG = b'\x89PNG\r\n\x1a\n'
JPEG = b'\xff\xd8'
JPEG_PIXELS = b'\xda'
JPEG_END = b'\xff\xd9'
# Marker of a part with a length: neither a stuffed zero, nor a restart, nor the end, nor fill bytes.
_MARKER = re.compile(rb'\xff+([^\x00\x01\xd0-\xd9\xff])')
CUT_OFF = 'it is cut off: its end is missing'


def check_complete(content: bytes) -> None:
    """Check that a JPEG or PNG is not cut off, and the checksums of a PNG.

    OpenCV 4 fills the missing part of an image with gray, and Pillow does not verify checksums. Bytes after
    the end are allowed. JPEG has no checksums, and other formats are left to their decoders.

    Args:
        content: The whole file.

    Raises:
        ValueError: Bytes are missing or were changed.
    """
    if content.startswith(PNG):
        _check_png(content)
    elif content.startswith(JPEG):
        _check_jpeg(content)


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
    """Marker, start and end of the data of each part of a JPEG's header; the pixels follow the last."""
    place = len(JPEG)
    while match := _MARKER.search(content, place):
        length = match.end()
        start = length + 2
        place = length + int.from_bytes(content[length:start], 'big')
        yield match[1], start, place
        if match[1] == JPEG_PIXELS:
            return


def _check_png(content: bytes) -> None:
    """Compare the checksums of all chunks that decoders may not ignore."""
    view = memoryview(content)
    for name, start, end in png_chunks(content):
        needed = not name[0] & 0x20
        checksum = int.from_bytes(content[end : end + 4], 'big')
        if needed and zlib.crc32(view[start - 4 : end]) != checksum:
            chunk = name.decode('ascii', 'backslashreplace')
            raise ValueError(f'its bytes were changed: the checksum of its chunk {chunk} is wrong')
        if name == b'IEND':
            return
    raise ValueError(CUT_OFF)


def _check_jpeg(content: bytes) -> None:
    """Look for the end marker after the header, which may hold a thumbnail with an end marker."""
    place = len(JPEG)
    for marker, start, end in jpeg_parts(content):
        place = start if marker == JPEG_PIXELS else end
    if content.find(JPEG_END, place) < 0:
        raise ValueError(CUT_OFF)
