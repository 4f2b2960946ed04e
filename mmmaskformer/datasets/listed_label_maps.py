"""Images and label maps that a JSON file lists in pairs, with a table of the numbers in the label maps."""

from __future__ import annotations

import json
import os.path as osp
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.functional.targets import LARGEST_LABEL
from mmmaskformer.registry import DATASETS


@DATASETS.register_module()
class ListedLabelMapsDataset(BaseSegDataset):
    """Images and label maps of any names and folders, with any numbers, in place.

    The JSON file has ``classes`` (names), ``values`` (index of the class by the number in label maps; null
    for pixels of no class), and ``samples``, pairs of an image and its label map. Numbers that ``values``
    lacks are no class if they are less than the number of classes, and an error in training else.
    `datasets.folders` writes such files.

    Args:
        ann_file: The JSON file.
        metainfo: ``classes``, which must be those of the file, and ``palette``; None takes the file's.
        data_prefix: Folders that the names of the file start from: ``img_path`` and ``seg_map_path``.
        **kwargs: As mmseg's `BaseSegDataset`.

    Raises:
        ValueError: The file is not such a list, or its classes differ from those of ``metainfo``.

    Example:
        >>> dataset = ListedLabelMapsDataset('lists/train.json', data_root='data/street')
        >>> dataset.metainfo['classes']
        ('road', 'car')
    """

    img_suffix = seg_map_suffix = ''  # the list has whole names

    def __init__(self, ann_file: str, metainfo: dict | None = None, **kwargs: Any) -> None:
        root = kwargs.get('data_root') or ''
        self._list = _read(osp.join(root, ann_file), (metainfo or {}).get('classes'))
        metainfo = {'classes': tuple(self._list['classes']), **(metainfo or {})}
        super().__init__(ann_file=ann_file, metainfo=metainfo, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One dict for each pair, in the order of the file."""
        self.label_map = label_map_of(self._list['values'], len(self._list['classes']))
        images, maps = (self.data_prefix.get(key, '') for key in ('img_path', 'seg_map_path'))
        return [
            dict(
                img_path=osp.join(images, image),
                seg_map_path=osp.join(maps, label_map),
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for image, label_map in self._list['samples']
        ]


def label_map_of(values: dict[str, int | None], num_classes: int) -> dict[int, int] | None:
    """Index of the class by number, as mmseg's data sets have it; None if numbers are indices already.

    Args:
        values: Index by number; None for pixels of no class.
        num_classes: Number of classes.
    """
    table = {int(value): LARGEST_LABEL if index is None else index for value, index in values.items()}
    void = {value for value, index in table.items() if index == LARGEST_LABEL}
    if void <= {255, LARGEST_LABEL} and all(table.get(index, index) == index for index in range(num_classes)):
        outside = {value for value in table if value >= num_classes} - void
        if not outside and not void & set(range(num_classes)):
            return None
    return {**dict.fromkeys(range(num_classes), LARGEST_LABEL), **table}


def _read(path: str, classes: Sequence[str] | None) -> dict:
    try:
        content = json.loads(Path(path).read_bytes())
        complete = all(key in content for key in ('classes', 'values', 'samples'))
    except FileNotFoundError as error:
        raise FileNotFoundError(f'The list {path} does not exist: restore it, or set ann_file.') from error
    except (ValueError, TypeError):
        complete = False
    if not complete:
        raise ValueError(f'{path} is not a JSON object with classes, values and samples: set ann_file.')
    if classes is not None and list(classes) != list(content['classes']):
        raise ValueError(
            f'metainfo has the classes {list(classes)}, but {path} was written for {content["classes"]}: '
            'write the list anew, or take its classes in their order.'
        )
    return content
