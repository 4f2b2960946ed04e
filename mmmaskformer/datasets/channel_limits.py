"""Transforms that take images of few channels or of 8 bits alone, refused by their name before training."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import Pad
from numpy.typing import NDArray

from .leaves import inner_datasets
from .pipelines import flatten_transforms, is_image_loader

MOST_PADDED = 4
"""Channels that OpenCV pads."""


def check_channels(dataset: Any) -> NDArray[Any] | None:
    """Load the first image of a data set, and compare it with what the transforms of its pipeline take.

    Without this check the first sample that a random transform meets ends a training, and 16 bits become 8.

    Args:
        dataset: Any data set, or a wrapper of MMEngine, MMSegmentation or MMDetection.

    Returns:
        The image as its loader gives it, None if it cannot be loaded: its own error comes in training.

    Raises:
        ValueError: A transform does not take such images; the sentence names it.
    """
    loaded = [check_channels(child) for child in inner_datasets(dataset)]
    transforms = list(flatten_transforms(getattr(dataset, 'pipeline', None)))
    image = next((found for found in loaded if found is not None), None) if loaded else None
    if not loaded:
        image = _first_image(dataset, transforms)
    if image is None:
        return None
    for transform in transforms:
        fault = _fault(transform, image)
        if fault is not None:
            shape = 'x'.join(str(side) for side in image.shape)
            raise ValueError(
                f'{type(transform).__name__} in the pipeline of {type(dataset).__name__} {fault}, but the '
                f'first image is {shape} {image.dtype}: leave the transform out.'
            )
    return image


def _first_image(dataset: Any, transforms: list[Any]) -> NDArray[Any] | None:
    loader = next((transform for transform in transforms if is_image_loader(transform)), None)
    try:
        return np.asarray(loader(dataset.get_data_info(0))['img'])  # type: ignore[misc]
    except Exception:
        return None


def _fault(transform: Any, image: NDArray[Any]) -> str | None:
    channels = image.shape[2] if image.ndim == 3 else 1
    if type(transform).__name__ == 'PhotoMetricDistortion':
        fits = channels == 3 and (image.dtype == np.uint8 or (image.dtype.kind == 'f' and image.max() <= 255))
        return None if fits else 'takes three channels of 8 bits'
    if isinstance(transform, Pad) and channels > MOST_PADDED:
        return f'takes at most {MOST_PADDED} channels (the data preprocessor pads batches)'
    return None
