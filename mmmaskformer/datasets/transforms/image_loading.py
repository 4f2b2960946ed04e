"""Loaders of image files with one rule for EXIF orientation."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

import mmcv
import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from mmengine import fileio
from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadImageFromNDArray as MMSegLoadImageFromNDArray
from mmseg.datasets.transforms.loading import InferencerLoader as MMSegInferencerLoader
from numpy.typing import NDArray
from PIL import Image

from mmmaskformer.registry import TRANSFORMS

from ..file_checks import check_complete, named_read_errors
from ..image_headers import STORED, orientation_of, swaps_sides, turn

EXIF_SETTINGS = ('auto', 'apply', 'ignore')
AS_STORED = {'color': 'color_ignore_orientation', 'grayscale': 'grayscale_ignore_orientation'}
FITS_STORED = (
    'has the size of the stored pixels, so it is not turned. If all annotations were drawn on stored pixels, '
    "set exif='ignore' in each LoadImageFromFile: then images without annotations are not turned either."
)
FITS_BOTH = (
    'may have been drawn on the stored pixels or on the turned ones, which its size does not show: the image '
    'is turned, as viewers show it. Look at it with tools/browse_dataset.py; if the annotations are '
    "misplaced, set exif='ignore' in each LoadImageFromFile, and if they are right, exif='apply'."
)
Shape = tuple[int, int]


def read_image(path: str, shape: Shape | None = None, **settings: Any) -> NDArray[Any]:
    """Read an image file as the data pipelines do.

    Args:
        path: A path or URL for MMEngine's file backends.
        shape: Height and width of the image, ``ori_shape`` of its sample: if only the stored pixels or only
            the turned ones have this size, it decides whether the image is turned.
        **settings: As `LoadImageFromFile`: ``exif``, ``color_type``, ``imdecode_backend``, ...

    Returns:
        ``(H, W, 3)`` uint8, blue, green, red, unless ``settings`` change it.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is not an image, or cut off or damaged.

    Example:
        >>> read_image(sample.img_path, sample.ori_shape).shape[:2] == sample.ori_shape
        True
    """
    known = {} if shape is None else dict(listed_shape=tuple(shape[:2]))
    loader = LoadImageFromFile(**settings)
    loader._warned.fill_(True)  # the loader of the data pipeline warns
    return loader(dict(img_path=path, **known))['img']


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoadImageFromFile):
    """MMCV's loader with one rule for EXIF orientation; errors name the file.

    Cameras store pixels in the orientation of the sensor, with a tag that says how to turn them. Viewers and
    most annotation tools turn images, many scripts do not. The rule is the same for JPEG, PNG and WebP, for
    every backend and color type.

    Args:
        *args: As MMCV's loader.
        exif: ``'apply'`` turns images as viewers do, ``'ignore'`` keeps pixels as they are stored. ``'auto'``
            turns an image unless its annotation has the size of the stored pixels alone; where both sizes
            fit or none is known, a warning is logged once, since the annotation may be misplaced.
        **kwargs: As MMCV's loader.

    Raises:
        FileNotFoundError: The image is missing.
        ValueError: The file is not an image that can be decoded, or is cut off or damaged; or its
            annotation contradicts ``exif``.
    """

    def __init__(self, *args: Any, exif: str = 'auto', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if exif not in EXIF_SETTINGS:
            raise ValueError(f'exif of LoadImageFromFile is {exif!r}; expected one of {list(EXIF_SETTINGS)}.')
        if self.color_type in AS_STORED.values():
            if exif == 'apply':
                raise ValueError(
                    f"LoadImageFromFile has exif='apply' and color_type={self.color_type!r}: set one."
                )
            exif = 'ignore'
        self.exif = exif
        self._warned = torch.zeros(
            2, dtype=torch.bool
        ).share_memory_()  # shared by the processes of a data loader

    def transform(self, results: dict) -> dict | None:
        """Load the image at ``results['img_path']``; with ``ignore_empty``, None for one that fails."""
        try:
            with named_read_errors('image', results['img_path']):
                image, orientation = self._read(results['img_path'])
        except (FileNotFoundError, ValueError):
            if self.ignore_empty:
                return None
            raise
        if orientation != STORED and self._is_turned(image.shape[:2], orientation, results):
            image = turn(image, orientation)
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results

    def _read(self, path: str) -> tuple[NDArray[Any], int]:
        """The stored pixels and their EXIF orientation."""
        content = self._fetch(path)
        check_complete(content)
        orientation = orientation_of(content)
        color_type = self.color_type
        if orientation != STORED and self.imdecode_backend != 'turbojpeg':  # turbojpeg never turns
            color_type = AS_STORED.get(color_type, color_type)
        image = mmcv.imfrombytes(content, color_type, backend=self.imdecode_backend) if content else None
        if image is None:
            raise ValueError('it is not an image')
        return image.astype(np.float32) if self.to_float32 else image, orientation

    def _fetch(self, path: str) -> bytes:
        if self.file_client_args is None:
            return bytes(fileio.get(path, self.backend_args))
        return bytes(fileio.FileClient.infer_client(self.file_client_args, path).get(path))

    def _is_turned(self, stored: Shape, orientation: int, results: Mapping) -> bool:
        """Whether to turn an image, according to the setting and the size of its annotation."""
        turned = stored[::-1] if swaps_sides(orientation) else stored
        size = self._annotated_size(results)
        subject = f'EXIF: {results["img_path"]} has orientation {orientation}, and its ground truth'
        if self.exif != 'auto':
            right, wrong = (turned, stored) if self.exif == 'apply' else (stored, turned)
            if size == wrong != right:
                raise ValueError(
                    f'{subject} is {size[1]}x{size[0]} pixels, but the image {right[1]}x{right[0]} with '
                    f"exif={self.exif!r} in LoadImageFromFile: set exif='auto', or correct the pair."
                )
            return self.exif == 'apply'
        if size == stored != turned:
            self._warn_once(0, f'{subject} {FITS_STORED}')
            return False
        instances = results.get('instances')
        annotated = instances or results.get('seg_map_path')
        if (size == stored == turned and annotated) or (size is None and instances):
            self._warn_once(1, f'{subject} {FITS_BOTH}')
        return True

    def _annotated_size(self, results: Mapping) -> Shape | None:
        """Height and width of the annotation, from its file or the header of the label map."""
        if results.get('listed_shape') is not None:
            return tuple(results['listed_shape'])
        for instance in results.get('instances', ()):
            segmentation = instance['segmentation']
            if isinstance(segmentation, dict) and isinstance(segmentation.get('size'), list | tuple):
                return tuple(segmentation['size'])  # of run lengths
        path = results.get('seg_map_path')
        if path is None:
            return None
        try:
            width, height = Image.open(io.BytesIO(self._fetch(path))).size
        except Exception:  # the loader of annotations reports it
            return None
        return height, width

    def _warn_once(self, kind: int, message: str) -> None:
        """Log a kind of warning once, by the first process of the data loader that meets it."""
        if not self._warned[kind]:
            self._warned[kind] = True
            print_log(message, 'current', logging.WARNING)


@TRANSFORMS.register_module()
class LoadImageFromNDArray(MMSegLoadImageFromNDArray):
    """Replaces `LoadImageFromFile` in MMSegmentation's inference for arrays, with the same settings."""

    def __init__(self, *args: Any, exif: str = 'auto', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


@TRANSFORMS.register_module()
class InferencerLoader(MMSegInferencerLoader):
    """Replaces `LoadImageFromFile` in MMSegmentation's inferencer, and reads files in the same way."""

    def __init__(self, **kwargs: Any) -> None:
        self.from_file = LoadImageFromFile(**kwargs)
        self.from_ndarray = LoadImageFromNDArray(**kwargs)
