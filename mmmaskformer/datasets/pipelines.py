"""Transforms of a pipeline: listed, and checked against images and segment ids before training starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, Pad
from mmengine.dataset import Compose
from numpy.typing import NDArray

from .dataset_wrappers import inner_datasets


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


def all_transforms(dataset: Any) -> Iterator[Any]:
    """The transforms of a data set and of the data sets inside it, in the order in which they run."""
    for child in inner_datasets(dataset):
        yield from all_transforms(child)
    yield from flatten_transforms(getattr(dataset, 'pipeline', None))


def is_image_loader(transform: Any) -> bool:
    """Whether a transform reads images: ``LoadImageFromFile``, ``LoadSingleRSImageFromFile``, ..."""
    name = type(transform).__name__
    return name.startswith('Load') and 'Image' in name


def is_annotation_loader(transform: Any) -> bool:
    """Whether a transform loads ground truth: ``LoadAnnotations``, ``LoadPanopticAnnotations``, ..."""
    name = type(transform).__name__
    return name.startswith('Load') and 'Annotation' in name


MOST_PADDED = 4
"""Channels that OpenCV pads."""


def check_channels(dataset: Any) -> NDArray[Any] | None:
    """Load the first image of a data set, and check that the transforms of its pipeline support such images.

    Without this check training ends at the first sample that a random transform refuses, or 16 bits are
    silently reduced to 8.

    Args:
        dataset: Any data set, or a wrapper of MMEngine, MMSegmentation or MMDetection.

    Returns:
        The image as its loader returns it; None if it cannot be loaded, which raises in training.

    Raises:
        ValueError: A transform does not support such images; the message names it.
    """
    images = [check_channels(child) for child in inner_datasets(dataset)]
    transforms = list(flatten_transforms(getattr(dataset, 'pipeline', None)))
    if images:
        image = next((image for image in images if image is not None), None)
    else:
        image = _first_image(dataset, transforms)
    if image is None:
        return None
    for transform in transforms:
        fault = _channel_fault(transform, image)
        if fault is not None:
            shape = 'x'.join(str(side) for side in image.shape)
            raise ValueError(
                f'{type(transform).__name__} in the pipeline of {type(dataset).__name__} {fault}, but the '
                f'first image is {shape} {image.dtype}: remove the transform.'
            )
    return image


def _first_image(dataset: Any, transforms: list[Any]) -> NDArray[Any] | None:
    loader = next((transform for transform in transforms if is_image_loader(transform)), None)
    try:
        return np.asarray(loader(dataset.get_data_info(0))['img'])  # type: ignore[misc]
    except Exception:
        return None


def _channel_fault(transform: Any, image: NDArray[Any]) -> str | None:
    channels = image.shape[2] if image.ndim == 3 else 1
    if type(transform).__name__ == 'PhotoMetricDistortion':
        fits = channels == 3 and (image.dtype == np.uint8 or (image.dtype.kind == 'f' and image.max() <= 255))
        return None if fits else 'supports three channels of 8 bits'
    if isinstance(transform, Pad) and channels > MOST_PADDED:
        return f'supports at most {MOST_PADDED} channels (the data preprocessor pads batches)'
    return None


Rule = Callable[[Any], str | None]
"""Returns what is wrong with a transform and how to correct it; None if it works on id maps."""

MIXES = (
    'mixes images and keeps the segments of one of them, so ids then stand for pixels of others: '
    'use mmmaskformer.SegmentMosaic'
)
MOVES = 'moves the image and not the map of its segment ids: remove it'
VOLUMES = 'is for label maps of volumes, not for a map of segment ids: remove it'
PACKS = 'takes segment ids for classes: use mmmaskformer.PackSegmentInputs'
MIXING_METHODS = 'get_indices', 'get_indexes'
MASK_FILLS = ('fill_mask', 'mask_fill_value', 'mask_value')


def check_pipelines(dataset: Any) -> bool:
    """Check the pipelines of a data set and of those inside it: concatenated, repeated or mixed ones.

    Args:
        dataset: Any data set, or a wrapper of MMEngine, MMSegmentation or MMDetection.

    Returns:
        Whether its samples have maps of segment ids.

    Raises:
        ValueError: They have, and a transform of the pipeline would corrupt them; the message names it.
    """
    with_ids = [check_pipelines(child) for child in inner_datasets(dataset)]
    transforms = list(flatten_transforms(getattr(dataset, 'pipeline', None)))
    if not any(with_ids) and not any(_loads_segments(transform, dataset) for transform in transforms):
        return False
    for transform in transforms:
        fault = _id_map_fault(transform)
        if fault is not None:
            name = type(transform).__name__
            raise ValueError(f'{name} in the pipeline of {type(dataset).__name__} {fault}.')
    return True


def _loads_segments(transform: Any, dataset: Any) -> bool:
    """Whether a transform loads maps of segment ids, or label maps by mistake instead of them."""
    if getattr(dataset, 'has_segments', False):
        return is_annotation_loader(transform)
    return getattr(transform, 'loads_segments', False)


def _id_map_fault(transform: Any) -> str | None:
    if getattr(transform, 'handles_segments', False):
        return None
    for cls in type(transform).__mro__:
        rule = RULES.get(f'{cls.__module__.split(".")[0]}.{cls.__name__}')
        if rule is not None:
            return rule(transform) if callable(rule) else rule
    if any(hasattr(transform, name) for name in MIXING_METHODS):
        return (
            f'{MIXES}, or set handles_segments = True in its class if it merges gt_seg_map and segments_info'
        )
    return None


def _fill(value: Any, setting: str) -> str | None:
    """What is wrong with filling the map with a value: only 0 is void, and None does not change the map."""
    if value in (0, None):
        return None
    return f'fills the map of segment ids with {value}, which is not void: set {setting}'


def _pad(transform: Any) -> str | None:
    return _fill(transform.pad_val.get('seg', 255), 'pad_val=dict(seg=0), or use mmmaskformer.PadSegments')


def _center_crop(transform: Any) -> str | None:
    padding = transform.pad_cfg.get('pad_val', {})
    value = padding.get('seg', 255) if isinstance(padding, dict) else 255
    setting = "pad_cfg=dict(type='Pad', pad_val=dict(seg=0))"
    return _fill(value, setting) if transform.auto_pad else None


def _flip(transform: Any) -> str | None:
    if not transform.swap_seg_labels:
        return None
    return 'exchanges segment ids as if they were classes (swap_seg_labels): remove that setting'


def _rotate_or_flip(transform: Any) -> str | None:
    if not transform.rotate_prob:
        return None
    return 'averages neighboring segment ids where it rotates: set rotate_prob=0, or use RandomRotate'


def _albumentations(transform: Any) -> str | None:
    faults = (
        _fill(value, f'{name}=0') for name, value in _settings(transform.transforms) if name in MASK_FILLS
    )
    return next(filter(None, faults), None)


def _settings(configs: Iterable) -> Iterator[tuple[str, Any]]:
    """All settings of nested configs."""
    for config in configs:
        yield from config.items()
        yield from _settings(config.get('transforms', ()))


def _fills_ignored(transform: Any) -> str | None:
    return _fill(transform.seg_ignore_label, 'seg_ignore_label=0')


RULES: dict[str, Rule | str] = {  # by package and class; subclasses are treated alike
    'mmcv.CenterCrop': _center_crop,
    'mmcv.LoadAnnotations': (
        'reads label maps, not segments: use mmmaskformer.LoadPanopticAnnotations or '
        'mmmaskformer.LoadInstanceAnnotations'
    ),
    'mmcv.Pad': _pad,
    'mmcv.RandomFlip': _flip,
    'mmseg.Albu': _albumentations,
    'mmseg.BioMedical3DPad': VOLUMES,
    'mmseg.BioMedical3DRandomCrop': VOLUMES,
    'mmseg.BioMedical3DRandomFlip': VOLUMES,
    'mmseg.GenerateEdge': 'finds edges between segments, not between classes: remove it',
    'mmseg.LoadBiomedicalAnnotation': VOLUMES,
    'mmseg.PackSegInputs': PACKS,
    'mmseg.RandomCutOut': lambda transform: _fill(transform.seg_fill_in, 'seg_fill_in=0'),
    'mmseg.RandomMosaic': MIXES,
    'mmseg.RandomRotate': lambda transform: _fill(transform.seg_pad_val, 'seg_pad_val=0'),
    'mmseg.RandomRotFlip': _rotate_or_flip,
    'mmdet.Albu': _albumentations,
    'mmdet.CachedMixUp': MIXES,
    'mmdet.CopyPaste': MIXES,
    'mmdet.Expand': _fills_ignored,
    'mmdet.GeomTransform': _fills_ignored,
    'mmdet.InstaBoost': MIXES,
    'mmdet.LoadEmptyAnnotations': 'replaces the map of segment ids: remove it',
    'mmdet.MixUp': MIXES,
    'mmdet.Mosaic': MIXES,
    'mmdet.PackDetInputs': PACKS,
    'mmdet.RandomAffine': MOVES,
    'mmdet.RandomCenterCropPad': MOVES,
    'mmdet.RandomErasing': _fills_ignored,
    'mmdet.RandomShift': MOVES,
}
