"""The transforms of a built pipeline, those inside others too, and what they load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose


def flatten_transforms(part: Any) -> Iterator[Any]:
    """The transforms of a pipeline, and those inside compositions, ``RandomChoice``, ``TestTimeAug``, ..."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from flatten_transforms(item)
    elif isinstance(part, Compose):
        yield from flatten_transforms(part.transforms)
    elif callable(part):
        yield part
        for value in getattr(part, '__dict__', {}).values():
            if isinstance(value, BaseTransform | Compose | list | tuple):
                yield from flatten_transforms(value)


def is_image_loader(transform: Any) -> bool:
    """Whether a transform reads images: ``LoadImageFromFile``, ``LoadSingleRSImageFromFile``, ..."""
    name = type(transform).__name__
    return name.startswith('Load') and 'Image' in name


def is_annotation_loader(transform: Any) -> bool:
    """Whether a transform loads ground truth: ``LoadAnnotations``, ``LoadPanopticAnnotations``, ..."""
    name = type(transform).__name__
    return name.startswith('Load') and 'Annotation' in name
