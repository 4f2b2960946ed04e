"""Checks of image and annotation files: complete, lossless, as large as the image; errors name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine import fileio
from PIL import UnidentifiedImageError

from ..runtime.image_files import JPEG, check_complete


def check_lossless(content: bytes) -> None:
    """Check that an annotation file is not a JPEG.

    Raises:
        ValueError: The file is a JPEG, whatever its suffix.
    """
    if content.startswith(JPEG):
        raise ValueError('it is a JPEG, which alters labels: write them as PNG')


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
