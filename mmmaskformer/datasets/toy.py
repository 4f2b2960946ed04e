"""Data sets of the toy scenes that `mmmaskformer.toy_scenes` draws."""

from __future__ import annotations

from typing import Any, NamedTuple

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .categories import Source
from .coco_panoptic import CocoPanopticDataset


class Category(NamedTuple):
    """A class, with the color it has in label images (red, green, blue)."""

    name: str
    isthing: bool
    color: tuple[int, int, int]


CATEGORIES = (
    Category('sky', False, (70, 170, 230)),
    Category('building', False, (150, 110, 90)),
    Category('road', False, (120, 80, 140)),
    Category('grass', False, (130, 200, 80)),
    Category('tree', True, (20, 110, 50)),
    Category('car', True, (30, 50, 180)),
    Category('person', True, (220, 30, 70)),
    Category('ball', True, (250, 150, 30)),
    Category('crate', True, (240, 220, 70)),
    Category('sign', True, (230, 110, 210)),
)
"""Category ids and pixels of label maps are positions in this tuple, counted from 1; 0 is unlabeled."""

UNLABELED = 0
CATEGORY_IDS = {category.name: number for number, category in enumerate(CATEGORIES, start=1)}


def categories_json() -> list[dict]:
    """The ``categories`` of the COCO panoptic JSON."""
    return [
        {
            'id': number,
            'name': category.name,
            'supercategory': 'thing' if category.isthing else 'stuff',
            'isthing': int(category.isthing),
            'color': list(category.color),
        }
        for number, category in enumerate(CATEGORIES, start=1)
    ]


@DATASETS.register_module()
class ToyDataset(BaseSegDataset):
    """Scenes drawn by :func:`mmmaskformer.toy_scenes.write_toy`.

    Label maps hold 0 for unlabeled and 1..10 for the classes, which ``reduce_zero_label`` turns into 255 and
    0..9.
    """

    METAINFO = dict(
        classes=tuple(category.name for category in CATEGORIES),
        palette=[list(category.color) for category in CATEGORIES],
    )

    def __init__(
        self,
        img_suffix: str = '.jpg',
        seg_map_suffix: str = '.png',
        reduce_zero_label: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            reduce_zero_label=reduce_zero_label,
            **kwargs,
        )


@DATASETS.register_module()
class ToyPanopticDataset(CocoPanopticDataset):
    """The same scenes with their segments: ``panoptic_SPLIT.json`` and the id PNGs in ``panoptic_SPLIT``.

    Args:
        ann_file: As `CocoPanopticDataset`.
        categories: As `CocoPanopticDataset`; None takes the classes of `ToyDataset`.
        **kwargs: As `CocoPanopticDataset`.
    """

    def __init__(self, ann_file: str = '', categories: Source | None = None, **kwargs: Any) -> None:
        super().__init__(ann_file, categories_json() if categories is None else categories, **kwargs)
