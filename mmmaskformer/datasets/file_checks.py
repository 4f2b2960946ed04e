"""Checks of image and annotation files: complete, lossless, as large as the image; errors name the file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine import fileio
from PIL import UnidentifiedImageError

from .image_headers import JPEG, JPEG_PIXELS, PNG, jpeg_parts, png_chunks

JPEG_END = b'\xff\xd9'
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


def check_lossless(content: bytes) -> None:
    """Check that an annotation file is not a JPEG.

    Raises:
        ValueError: The file is a JPEG, whatever its suffix.
    """
    if content.startswith(JPEG):
        raise ValueError('it is a JPEG, which alters labels: write them as PNG')


def _check_png(content: bytes) -> None:
    """Compare the checksums of all chunks that decoders may not ignore."""
    view = memoryview(content)
    for name, start, end in png_chunks(content):
        needed = not name[0] & 0x20
        checksum = int.from_bytes(content[end : end + 4], 'big')
        if needed and zlib.crc32(view[start - 4 : end]) != checksum:
            raise ValueError(f'its bytes were changed: the checksum of its chunk {_text(name)} is wrong')
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


def _text(name: bytes) -> str:
    return name.decode('ascii', 'backslashreplace')


@contextmanager
def named_read_errors(kind: str, path: str) -> Iterator[None]:
    """Turn errors raised while a file is read into messages that name the file and what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'The {kind} {path} does not exist: restore the file, or remove its sample from the data set.'
        ) from error
    except Exception as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = 'it is not an image' if unknown else str(error).strip() or type(error).__name__
        raise ValueError(
            f'The {kind} {path} cannot be read ({reason}): '
            'replace the file, or remove its sample from the data set.'
        ) from error


def read_exact(path: str, backend_args: dict | None) -> bytes:
    """The content of an annotation file, whose pixels are labels or ids.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a JPEG, cut off or damaged.
    """
    content = bytes(fileio.get(path, backend_args=backend_args))
    check_lossless(content)
    check_complete(content)
    return content


def check_same_size(kind: str, shape: tuple[int, ...], results: dict, settings: str) -> None:
    """Compare the size of a map with that of its image, if the image is loaded.

    Args:
        kind: ``'label map'``, for the message.
        shape: Height and width of the map.
        results: The sample, with the paths of both.
        settings: Settings that may be wrong, for the message.

    Raises:
        ValueError: The sizes differ.
    """
    expected = results.get('ori_shape')
    if expected is not None and shape != tuple(expected[:2]):
        raise ValueError(
            f'The {kind} {results["seg_map_path"]} is {shape[1]}x{shape[0]} pixels, but its image '
            f'{results["img_path"]} is {expected[1]}x{expected[0]}: correct the pair, or check {settings}.'
        )
