"""The ignored label of a data set, which is passed on to the transforms of its pipeline.

It is 255, mmseg's default, for up to 255 classes, and 65535 where 255 is a class. ``ignore_index`` of the
data set changes it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations

from ..functional.targets import ignored_label
from .pipelines import flatten_transforms
from .transforms import LoadAnnotations, PackSegmentInputs

NAMES = ('ignore_index', 'seg_pad_val', 'seg_fill_in')
PADDING = "pad_val['seg']"


class LabelSetting(NamedTuple):
    """A setting of a transform that contains the ignored label.

    Attributes:
        transform: The transform.
        name: ``'seg_pad_val'``, ``"pad_val['seg']"`` and so on.
        value: The label.
    """

    transform: Any
    name: str
    value: Any

    def __str__(self) -> str:
        return f'{self.name} of {type(self.transform).__name__}'

    def set(self, label: int) -> None:
        """Change the label of the transform."""
        if self.name == PADDING:
            self.transform.pad_val = {**self.transform.pad_val, 'seg': label}
        else:
            setattr(self.transform, self.name, label)


def label_settings(pipeline: Any) -> list[LabelSetting]:
    """All settings of a pipeline that contain the ignored label, except for id maps, whose void is 0."""
    transforms = list(flatten_transforms(pipeline))
    if not any(isinstance(transform, MMSegLoadAnnotations) for transform in transforms):
        transforms = [transform for transform in transforms if isinstance(transform, PackSegmentInputs)]
    settings = [
        LabelSetting(transform, name, getattr(transform, name, None))
        for transform in transforms
        for name in NAMES
    ]
    for transform in transforms:
        padding = getattr(transform, 'pad_val', None)
        if isinstance(padding, dict):
            settings.append(LabelSetting(transform, PADDING, padding.get('seg', 255)))
    return [setting for setting in settings if setting.value is not None and _has_effect(setting)]


def _has_effect(setting: LabelSetting) -> bool:
    """Whether the setting has an effect: not in crops without ``cat_max_ratio``, nor in loaders."""
    return getattr(setting.transform, 'cat_max_ratio', 0) != 1.0 and not isinstance(
        setting.transform, MMSegLoadAnnotations
    )


def follow_ignored_label(dataset: Any) -> None:
    """Set ``ignore_index`` of a data set by its number of classes, and replace 255 in its pipeline by it."""
    classes = dataset.metainfo.get('classes')
    if classes is None:
        return
    dataset.ignore_index = ignored_label(len(classes), dataset.ignore_index)
    for transform in flatten_transforms(dataset.pipeline):
        if isinstance(transform, LoadAnnotations):
            transform.num_classes, transform.ignore_index = len(classes), dataset.ignore_index
    for setting in label_settings(dataset.pipeline):
        if setting.value == 255:
            setting.set(dataset.ignore_index)


def install() -> None:
    """Patch mmseg's data sets so that the ignored label depends on the number of classes."""
    if not hasattr(BaseSegDataset.__init__, 'of_mmseg'):
        BaseSegDataset.__init__ = _following(BaseSegDataset.__init__)
        BaseSegDataset.get_label_map = classmethod(_mapping(BaseSegDataset.get_label_map.__func__))
        BaseSegDataset._update_palette = _choosing(BaseSegDataset._update_palette)


def _following(of_mmseg: Callable) -> Callable:
    @functools.wraps(of_mmseg)
    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        of_mmseg(self, *args, **kwargs)
        follow_ignored_label(self)

    build.of_mmseg = of_mmseg  # type: ignore[attr-defined]
    return build


def _mapping(of_mmseg: Callable) -> Callable:
    @functools.wraps(of_mmseg)
    def get_label_map(cls: Any, new_classes: Sequence[str] | None = None) -> dict[int, int] | None:
        label_map = of_mmseg(cls, new_classes)
        if label_map is None or new_classes is None:
            return label_map
        # mmseg maps these to 255, which may be a class
        unused_names = set(cls.METAINFO['classes']) - set(new_classes)
        names = enumerate(cls.METAINFO['classes'])
        ignored = dict.fromkeys(
            [old for old, name in names if name in unused_names], ignored_label(len(new_classes))
        )
        return {**label_map, **ignored}

    return get_label_map


def _choosing(of_mmseg: Callable) -> Callable:
    @functools.wraps(of_mmseg)
    def update_palette(self: Any) -> list:
        palette, classes = self._metainfo.get('palette', []), self._metainfo.get('classes', [])
        if self.label_map is None or len(palette) <= len(classes) or len(classes) <= 255:
            return of_mmseg(self)
        pairs = sorted(self.label_map.items(), key=lambda pair: pair[1])
        return [palette[old] for old, new in pairs if new < len(classes)]

    return update_palette
