"""Transforms that take a map of segment ids for a label map, refused by their name before training starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .leaves import inner_datasets
from .pipelines import flatten_transforms, is_annotation_loader

Rule = Callable[[Any], str | None]
"""What is wrong with a transform and how to correct it; None if it works on id maps as it is set."""

MIXES = (
    'mixes images and keeps the segments of one of them, so ids then stand for pixels of others: '
    'use mmmaskformer.SegmentMosaic'
)
MOVES = 'moves the image and not the map of its segment ids: leave it out'
VOLUMES = 'is for label maps of volumes, not for a map of segment ids: leave it out'
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
        ValueError: They have, and a transform in the pipeline would corrupt them; the sentence names it.
    """
    with_ids = [check_pipelines(child) for child in inner_datasets(dataset)]
    transforms = list(flatten_transforms(getattr(dataset, 'pipeline', None)))
    if not any(with_ids) and not any(_loads_segments(transform, dataset) for transform in transforms):
        return False
    for transform in transforms:
        fault = _fault(transform)
        if fault is not None:
            name = type(transform).__name__
            raise ValueError(f'{name} in the pipeline of {type(dataset).__name__} {fault}.')
    return True


def _loads_segments(transform: Any, dataset: Any) -> bool:
    """Whether a transform loads a map of segment ids, or label maps by mistake for one."""
    if getattr(dataset, 'has_segments', False):
        return is_annotation_loader(transform)
    return getattr(transform, 'loads_segments', False)


def _fault(transform: Any) -> str | None:
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
    """What is wrong with filling the map with a value: only 0 is void, and None leaves the map as it is."""
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
    return 'exchanges segment ids as if they were classes (swap_seg_labels): leave that setting out'


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
    'mmseg.GenerateEdge': 'finds edges between segments, not between classes: leave it out',
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
    'mmdet.LoadEmptyAnnotations': 'replaces the map of segment ids: leave it out',
    'mmdet.MixUp': MIXES,
    'mmdet.Mosaic': MIXES,
    'mmdet.PackDetInputs': PACKS,
    'mmdet.RandomAffine': MOVES,
    'mmdet.RandomCenterCropPad': MOVES,
    'mmdet.RandomErasing': _fills_ignored,
    'mmdet.RandomShift': MOVES,
}
