"""Windows of images; of a TIFF only what they cover is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.tiff_windows import TiffWindows, open_tiff
from .preparation import Preparation, as_loaded
from .sources import InputImage


class ImageWindows:
    """An image of which parts are read.

    Args:
        input_image: The image.
        prepare: Reads images as the model takes them.
        tiff: Its file, if parts of it can be decoded.

    Attributes:
        size: Height and width.
        pixels: The image; None where parts are decoded from the file.
    """

    def __init__(self, input_image: InputImage, prepare: Preparation, tiff: TiffWindows | None) -> None:
        self._name, self._prepare, self._tiff = str(input_image), prepare, tiff
        self.pixels: NDArray[Any] | None = None if tiff is not None else prepare.read(input_image)
        shape = self.pixels.shape if self.pixels is not None else tiff.shape  # type: ignore[union-attr]
        self.size: tuple[int, int] = (shape[0], shape[1])

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """The pixels of a window, as the model's loader gives them."""
        if self._tiff is None:
            assert self.pixels is not None
            return np.ascontiguousarray(self.pixels[rows, columns])
        window = self._tiff.read(rows, columns)
        if window.ndim == 3 and window.shape[2] >= 3 and not self._prepare.is_rgb:
            window[..., :3] = window[..., 2::-1].copy()
        return self._prepare.check(as_loaded(window, self._name, self._prepare.load), self._name)


def open_windows(input_image: InputImage, prepare: Preparation) -> ImageWindows:
    """Open an image for reading of parts: a large TIFF from its file, other images as a whole.

    Raises:
        FileNotFoundError: Its file is missing.
        UnreadableImageError: It is not an image, or has other channels than the model takes.
    """
    is_file = input_image.image is None and input_image.frame is None and input_image.path is not None
    tiff = open_tiff(str(input_image.path)) if is_file else None
    return ImageWindows(input_image, prepare, tiff)
