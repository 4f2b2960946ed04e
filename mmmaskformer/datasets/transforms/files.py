"""Files of ground truth: read whole, of the size of their image, and named in every error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine import fileio
from PIL import UnidentifiedImageError

from ..whole_files import check_lossless, check_whole


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
