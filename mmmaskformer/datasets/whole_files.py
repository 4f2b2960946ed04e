"""Whether the bytes of a picture are all there, which decoders do not all say."""

from __future__ import annotations

import re
import struct
import zlib

PNG = b'\x89PNG\r\n\x1a\n'
JPEG = b'\xff\xd8'
JPEG_PIXELS = b'\xda'
JPEG_END = b'\xff\xd9'
CUT_OFF = 'it is cut off: its end is missing'
# Of a part with a length; no marker are a stuffed zero, a restart, the end and filling bytes.
_MARKER = re.compile(rb'\xff+([^\x00\x01\xd0-\xd9\xff])')


def check_whole(content: bytes) -> None:
    """Refuse a JPEG that lacks its end, and a PNG that lacks it or whose checksums are wrong.

    OpenCV 4 fills the rest of such a picture with grey, and Pillow does not look at checksums. Bytes behind
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


def _check_png(content: bytes) -> None:
    """Go from chunk to chunk: length, name, data, checksum. Chunks that decoders may ignore, we ignore."""
    view, place = memoryview(content), len(PNG)
    while place + 12 <= len(content):
        length, name = struct.unpack_from('>I4s', content, place)
        end = place + 8 + length
        if end + 4 > len(content):
            break
        needed = not name[0] & 0x20
        if needed and zlib.crc32(view[place + 4 : end]) != int.from_bytes(content[end : end + 4], 'big'):
            raise ValueError(f'its bytes were changed: the checksum of its part {_text(name)} is wrong')
        if name == b'IEND':
            return
        place = end + 4
    raise ValueError(CUT_OFF)


def _check_jpeg(content: bytes) -> None:
    """Go from marker to marker over the head, which may hold a preview with an end, to the pixels' own."""
    place = len(JPEG)
    while match := _MARKER.search(content, place):
        if match[1] == JPEG_PIXELS:
            break
        place = match.end() + int.from_bytes(content[match.end() : match.end() + 2], 'big')
    if content.find(JPEG_END, place) < 0:
        raise ValueError(CUT_OFF)


def _text(name: bytes) -> str:
    return name.decode('ascii', 'backslashreplace')
