"""The numbers or colors in label maps, whichever of many forms a tool writes them in."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..class_contents import num_threads
from ..image_headers import JPEG
from .contents import FolderError

Color = tuple[int, int, int]


class MapContent(NamedTuple):
    """What a label map holds.

    Attributes:
        shape: Height and width.
        values: Its numbers, or colors as red * 65536 + green * 256 + blue, ascending.
        is_color: Whether it has several channels, so that ``values`` are colors.
        palette: Color of each number, for files with a palette.
        is_jpeg: Whether it is a JPEG, whose pixels differ from what was drawn.
    """

    shape: tuple[int, int]
    values: tuple[int, ...]
    is_color: bool
    palette: dict[int, int]
    is_jpeg: bool = False


def read_pixels(path: Path) -> tuple[np.ndarray, list[int] | None]:
    """A label map as stored, and the palette of a file that has one.

    Returns:
        ``(H, W)`` of numbers, or ``(H, W, 3)`` red, green, blue, and the palette as packed colors.

    Raises:
        FolderError: It is not an image, or has fractions.
    """
    try:
        with Image.open(path) as image:
            palette = image.getpalette('RGB') if image.mode in ('P', 'PA') else None
            if image.mode in ('PA', 'LA'):
                image = image.convert('P' if image.mode == 'PA' else 'L')
            elif image.mode in ('RGBA', 'CMYK', 'YCbCr'):
                image = image.convert('RGB')
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise FolderError(f'The label map {path} cannot be read ({error}): replace or remove it.') from error
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8)
    if pixels.dtype.kind == 'f' and not (pixels == pixels.round()).all():
        raise FolderError(f'The label map {path} has fractions, not numbers of classes: replace it.')
    colors = None if palette is None else pack_colors(np.array(palette, np.uint8).reshape(-1, 3)).tolist()
    return pixels.astype(np.int32) if pixels.dtype.kind in 'fI' else pixels, colors


def pack_colors(colors: np.ndarray) -> np.ndarray:
    """``(..., 3)`` red, green, blue as one number each, red * 65536 + green * 256 + blue."""
    wide = colors.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def unpack_color(value: int) -> Color:
    """Red, green and blue of a packed color."""
    return value >> 16, value >> 8 & 255, value & 255


def content_of(path: Path) -> MapContent:
    """What a label map holds.

    Raises:
        FolderError: It cannot be read.
    """
    pixels, palette = read_pixels(path)
    is_color = pixels.ndim == 3
    numbers = (pack_colors(pixels) if is_color else pixels).ravel()
    changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    values = np.unique(numbers[np.concatenate([[0], changes])]).tolist()
    colors = {} if palette is None else {value: palette[value] for value in values if value < len(palette)}
    with path.open('rb') as file:
        is_jpeg = file.read(len(JPEG)) == JPEG
    return MapContent(pixels.shape[:2], tuple(values), is_color, colors, is_jpeg)


def contents_of_maps(root: Path, paths: Sequence[str]) -> dict[str, MapContent | FolderError]:
    """What the label maps hold, by path; the error of those that cannot be read."""
    with ThreadPoolExecutor(num_threads()) as pool:
        return dict(zip(paths, pool.map(_content_or_error, (root / path for path in paths))))


def _content_or_error(path: Path) -> MapContent | FolderError:
    try:
        return content_of(path)
    except FolderError as error:
        return error


def is_gray(contents: Sequence[MapContent]) -> bool:
    """Whether all colors are shades of grey, as in numbers that were stored in three channels."""
    values = {value for content in contents for value in content.values}
    return all(len(set(unpack_color(value))) == 1 for value in values)


def palettes_agree(contents: Sequence[MapContent]) -> bool:
    """Whether a number has one color in all files with a palette."""
    colors: dict[int, int] = {}
    return all(
        colors.setdefault(value, color) == color
        for content in contents
        for value, color in content.palette.items()
    )
