"""Images as inputs of a model: the test pipeline of a config without its labels, applied ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import cv2
import mmcv
import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.typing import NDArray

from ..datasets.dataset_files import gives_rgb
from ..datasets.pipelines import is_annotation_loader, is_image_loader
from .config_files import inner_configs
from .sources import InputImage

Item = TypeVar('Item')
Result = TypeVar('Result')


def pipeline_of(config: Mapping) -> list[dict]:
    """The transforms that a config applies to test data.

    Raises:
        ValueError: There are none.
    """
    dataset: Any = next(inner_configs((config.get('test_dataloader') or {}).get('dataset')), {})
    pipeline = dataset.get('pipeline') or config.get('test_pipeline')
    if not pipeline:
        raise ValueError(
            'The config has no transforms for test images: set test_pipeline, or a test_dataloader whose '
            'dataset has a pipeline.'
        )
    return list(pipeline)


class UnreadableImageError(ValueError):
    """A file or an array that is not an image."""


class Preparation:
    """Reads images and makes them the model's inputs, as in evaluation.

    The loader of the pipeline reads files, and arrays are converted to what it returns for a file;
    transforms that load labels are left out.

    Args:
        pipeline: Configs of the transforms, the loader of images first.
        channels: Channels that the model takes; None accepts any number.

    Attributes:
        is_rgb: Whether channels come as red, green, blue, not blue, green, red.

    Raises:
        ValueError: The pipeline loads no image, or augments in several ways.
    """

    def __init__(self, pipeline: Sequence[Mapping], channels: int | None = None) -> None:
        transforms = [TRANSFORMS.build(dict(transform)) for transform in pipeline]
        if not transforms or not is_image_loader(transforms[0]):
            raise ValueError(
                'The test pipeline does not begin with LoadImageFromFile: put it there, or set '
                'test_pipeline to one that does.'
            )
        if any(type(transform).__name__ == 'TestTimeAug' for transform in transforms):
            raise ValueError(
                'The test pipeline augments images (TestTimeAug), which tools/test.py --tta evaluates: '
                'set test_pipeline to one without it.'
            )
        self.load, self.transforms = transforms[0], [t for t in transforms[1:] if not is_annotation_loader(t)]
        self.channels, self.is_rgb = channels, gives_rgb(self.load)

    def read(self, input_image: InputImage) -> NDArray[Any]:
        """The image as the loader gives it: ``(H, W, 3)`` uint8 BGR, or another form by the pipeline.

        Raises:
            FileNotFoundError: Its file is missing.
            UnreadableImageError: It is not an image, or has other channels than the model takes.
        """
        array = input_image.image
        image = (
            self._read_file(input_image) if array is None else as_loaded(array, str(input_image), self.load)
        )
        return self.check(image, str(input_image))

    def check(self, image: NDArray[Any], name: str) -> NDArray[Any]:
        """The image itself.

        Raises:
            UnreadableImageError: It has other channels than the model takes.
        """
        num_channels = 1 if image.ndim == 2 else image.shape[2]
        if self.channels not in (None, num_channels):
            setting = 'color_type in LoadImageFromFile and in_channels of the backbone'
            raise UnreadableImageError(
                f'{name} has {num_channels} channels, but the model takes {self.channels}: give '
                f'images of {self.channels} channels, or set {setting}.'
            )
        return image

    def _read_file(self, input_image: InputImage) -> NDArray[Any]:
        try:
            loaded = self.load(dict(img_path=input_image.path))
        except FileNotFoundError:
            raise FileNotFoundError(f'The image {input_image.path} does not exist.') from None
        except Exception as error:
            cause = error.__cause__ or error  # the loader of this package names the file, too
            reason = str(cause).strip() or type(cause).__name__
            raise UnreadableImageError(f'The image {input_image.path} cannot be read ({reason}).') from error
        if loaded is None or loaded['img'] is None:
            raise UnreadableImageError(f'The image {input_image.path} cannot be read: it is not an image.')
        return loaded['img']

    def __call__(self, input_image: InputImage) -> tuple[NDArray[Any], dict]:
        """Read an image; it, and ``inputs`` ``(3, h, w)`` with their ``data_samples``."""
        image = self.read(input_image)
        return image, self.pack(input_image, image)

    def pack(self, input_image: InputImage, image: NDArray[Any]) -> dict:
        """``inputs`` ``(3, h, w)`` and ``data_samples`` of an image, or of a window of it."""
        shape = image.shape[:2]
        packed: Any = dict(
            img=image, img_path=input_image.path, img_shape=shape, ori_shape=shape, seg_fields=[]
        )
        for transform in self.transforms:
            packed = transform(packed)
        return packed


def as_loaded(image: NDArray[Any], name: str, loader: Any) -> NDArray[Any]:
    """Convert an array to what a loader returns for a file with this image.

    For a loader of colors or grey values: grey repeated or colors averaged, opacity dropped, 16 bits cut to
    8. For one that leaves files unchanged: as it is, of any number of channels.

    Raises:
        UnreadableImageError: The loader could not give such an image.
    """
    if 0 in image.shape:
        raise UnreadableImageError(f'{name} is an array of shape {image.shape}, which has no pixels.')
    kind = 'unchanged' if gives_rgb(loader) else getattr(loader, 'color_type', 'unchanged')
    if kind.startswith('color'):
        image = _to_bgr(image, name)
    elif kind.startswith('grayscale'):
        image = cv2.cvtColor(_to_bgr(image, name), cv2.COLOR_BGR2GRAY)
    elif image.ndim not in (2, 3) or image.dtype.kind not in 'uif':
        raise UnreadableImageError(
            f'{name} is an array of {image.dtype} and shape {image.shape}: give numbers of shape (height, '
            'width) or (height, width, channels).'
        )
    transformable = image.dtype in (np.uint8, np.uint16, np.float32) and not getattr(
        loader, 'to_float32', False
    )
    return np.ascontiguousarray(image if transformable else image.astype(np.float32))


def _to_bgr(image: NDArray[Any], name: str) -> NDArray[Any]:
    """An array ``(H, W, 3)`` uint8 as OpenCV reads a file of it."""
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.dtype not in (np.uint8, np.uint16):
        raise UnreadableImageError(
            f'{name} is an array of {image.dtype} and shape {image.shape}: give 8 or 16 bits (uint8, uint16) '
            'and shape (height, width), or (height, width, channels) with blue, green, red as OpenCV reads; '
            "other channels and types need a model with color_type='unchanged' in its LoadImageFromFile."
        )
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return np.ascontiguousarray(mmcv.gray2bgr(image[..., 0]) if image.shape[2] == 1 else image[..., :3])


def read_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Apply a function to items in another thread, at most ``ahead`` items in advance.

    Items are drawn in the caller's thread. The order is kept, and errors wait in the futures.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > ahead:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
