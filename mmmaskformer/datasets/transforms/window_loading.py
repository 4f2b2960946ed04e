"""Random windows of large images for training, without decoding the rest of a TIFF."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmmaskformer.registry import TRANSFORMS

from ..tiff_windows import open_tiff
from .image_loading import LoadImageFromFile
from .label_map_loading import LoadAnnotations


class _LoadLabelWindow(LoadAnnotations):
    """The loader of label maps for a window of them.

    Attributes:
        window: Rows and columns.
        image_shape: Height and width of the whole image.
    """

    window: tuple[slice, slice]
    image_shape: tuple[int, ...]

    def read(self, path: str) -> np.ndarray:
        """The labels of the window, unchanged, uint8 or int32."""
        tiff = open_tiff(path)
        labels = super().read(path) if tiff is None else None
        shape = tiff.shape if labels is None else labels.shape  # type: ignore[union-attr]
        if shape[:2] != self.image_shape:
            (height, width), (rows, columns) = shape[:2], self.image_shape
            raise ValueError(f'it is {width}x{height} pixels, but its image {columns}x{rows}')
        if labels is not None:
            return np.ascontiguousarray(labels[self.window])
        part = tiff.read(*self.window)  # type: ignore[union-attr]
        return part if part.dtype == np.uint8 else part.astype(np.int32)


@TRANSFORMS.register_module()
class LoadRandomWindow(BaseTransform):
    """Load a random window of an image and of its label map, in place of both loaders.

    Of a TIFF of more than 16 million pixels only the tiles or strips under the window are decoded, if
    tifffile is installed; other files are decoded as a whole, and so are images smaller than the window.
    For semantic segmentation.

    Args:
        size: Height and width of the window. Take one somewhat larger than the crop, which follows after
            resizing.
        **kwargs: As `LoadImageFromFile`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file cannot be read, or image and label map differ in size.

    Example:
        >>> train_pipeline = [dict(type='mmmaskformer.LoadRandomWindow', size=(1024, 1024)), ...]
    """

    def __init__(self, size: tuple[int, int], **kwargs: Any) -> None:
        self.size = size
        self.load_image, self.load_labels = LoadImageFromFile(**kwargs), _LoadLabelWindow()

    def transform(self, results: dict) -> dict:
        """Load ``img`` and ``gt_seg_map``."""
        tiff = open_tiff(results['img_path'])
        if tiff is None:
            self.load_image.transform(results)
            window = self._window(results['img'].shape)
            image = results['img'][window]
        else:
            results['ori_shape'] = tiff.shape[:2]
            window = self._window(tiff.shape)
            image = self._converted(tiff.read(*window))
        self.load_labels.window, self.load_labels.image_shape = window, tuple(results['ori_shape'][:2])
        shape = image.shape[:2]
        results.update(img=np.ascontiguousarray(image), img_shape=shape, ori_shape=shape)
        return self.load_labels.transform(results)

    def _window(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """A window at random, evenly among all places."""
        starts = [np.random.randint(max(side - part, 0) + 1) for side, part in zip(shape, self.size)]
        rows, columns = (
            slice(start, min(start + part, side)) for start, part, side in zip(starts, self.size, shape)
        )
        return rows, columns

    def _converted(self, image: NDArray[Any]) -> NDArray[Any]:
        """A window as the loader gives whole images: blue, green, red, of 8 bits unless it is unchanged."""
        keeps_order = self.load_image.imdecode_backend == 'tifffile'
        if self.load_image.color_type == 'color':
            image = image[..., None].repeat(3, -1) if image.ndim == 2 else image[..., :3]
            image = image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)
        if image.ndim == 3 and image.shape[2] > 2 and not keeps_order:
            image = np.concatenate([image[..., 2::-1], image[..., 3:]], axis=-1)
        return image.astype(np.float32) if self.load_image.to_float32 else image
