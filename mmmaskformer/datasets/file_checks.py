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


@contextmanager
def naming_the_file(kind: str, path: str) -> Iterator[None]:
    """Make what is raised while a file is read a sentence that names the file and what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'The {kind} {path} does not exist: restore the file, or take its sample out of the data set.'
        ) from error
    except Exception as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = 'it is not an image' if unknown else str(error).strip() or type(error).__name__
        raise ValueError(
            f'The {kind} {path} cannot be read ({reason}): '
            'replace the file, or take its sample out of the data set.'
        ) from error


def read_exact(path: str, backend_args: dict | None) -> bytes:
    """The content of a file whose pixels are numbers.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a JPEG, cut off or damaged.
    """
    content = bytes(fileio.get(path, backend_args=backend_args))
    check_lossless(content)
    check_whole(content)
    return content


def check_same_size(kind: str, shape: tuple[int, ...], results: dict, settings: str) -> None:
    """Compare a map with its image, where that is loaded.

    Args:
        kind: ``'label map'``, for the message.
        shape: Height and width of the map.
        results: The sample, with the paths of both.
        settings: What to look at if the pair is wrong.

    Raises:
        ValueError: The sizes differ.
    """
    expected = results.get('ori_shape')
    if expected is not None and shape != tuple(expected[:2]):
        raise ValueError(
            f'The {kind} {results["seg_map_path"]} is {shape[1]}x{shape[0]} pixels, but its image '
            f'{results["img_path"]} is {expected[1]}x{expected[0]}: correct the pair, or check {settings}.'
        )
