"""Windows of TIFF files, of which only the tiles or strips that they cover are decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 1 << 24
"""Pixels of an image that is decoded as a whole."""


class TiffWindows:
    """A TIFF file of which parts are read; needs tifffile, and imagecodecs for most compressions.

    Args:
        path: The file.

    Attributes:
        shape: Height, width, and channels if there are several.

    Example:
        >>> image = TiffWindows('town.tif')
        >>> image.read(slice(0, 512), slice(1024, 1536)).shape
        (512, 512, 3)
    """

    def __init__(self, path: str | Path) -> None:
        import tifffile

        self.path = Path(path)
        with tifffile.TiffFile(self.path) as file:
            page = file.pages[0]
            separate = page.planarconfig == 2 and page.samplesperpixel > 1
            if page.ndim not in (2, 3) or separate or page.imagedepth > 1:
                raise ValueError(
                    f'{path} stores its channels one after another, or a volume: store channels of a pixel '
                    'together (gdal_translate -co INTERLEAVE=PIXEL).'
                )
            self.shape: tuple[int, ...] = page.shape
            self.dtype = page.dtype
            self._tile = (
                (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, self.shape[1])
            )

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """The pixels of a window inside the image, ``(h, w)`` or ``(h, w, C)``, channels as stored."""
        import tifffile

        height, width = self._tile
        window = np.zeros((rows.stop - rows.start, columns.stop - columns.start, *self.shape[2:]), self.dtype)
        per_row = -(-self.shape[1] // width)
        with tifffile.TiffFile(self.path) as file:
            page = file.pages[0]
            tables = page.jpegtables if page.jpegtables is not None else None
            for i in range(rows.start // height, -(-rows.stop // height)):
                for j in range(columns.start // width, -(-columns.stop // width)):
                    index = i * per_row + j
                    file.filehandle.seek(page.dataoffsets[index])
                    content = file.filehandle.read(page.databytecounts[index])
                    options = {} if tables is None else dict(jpegtables=tables)
                    segment = page.decode(content, index, **options)[0]
                    if segment is not None:
                        _place(window, segment, (i * height - rows.start, j * width - columns.start))
        return window


def _place(window: NDArray[Any], segment: NDArray[Any], corner: tuple[int, int]) -> None:
    """Copy the part of a segment ``(1, h, w, C)`` that lies in the window; its corner may lie outside."""
    pixels = segment[0] if window.ndim == 3 else segment[0, :, :, 0]
    (top, left), (height, width) = corner, pixels.shape[:2]
    bottom, right = min(top + height, len(window)), min(left + width, window.shape[1])
    part = pixels[max(-top, 0) : bottom - top, max(-left, 0) : right - left]
    window[max(top, 0) : bottom, max(left, 0) : right] = part


def open_tiff(path: str) -> TiffWindows | None:
    """A large TIFF file for reading of windows; None for others, and where tifffile is not installed."""
    if not path.lower().endswith(('.tif', '.tiff')) or not Path(path).is_file():
        return None
    try:
        image = TiffWindows(path)
    except (ImportError, ValueError, IndexError):
        return None
    except Exception as error:  # tifffile's own errors
        if type(error).__name__ == 'TiffFileError':
            return None
        raise
    return image if image.shape[0] * image.shape[1] > SMALL else None
