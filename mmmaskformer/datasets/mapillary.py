"""Mapillary Vistas with panoptic annotations; MMSegmentation has the data set for semantic ones."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

from mmmaskformer.registry import DATASETS

from .categories import Source
from .coco_panoptic import CocoPanopticDataset

UNLABELED = 'Unlabeled'


@DATASETS.register_module()
class MapillaryPanopticDataset(CocoPanopticDataset):
    """``panoptic_2018.json`` and its PNGs of version 1.2: 65 classes, 37 of them things.

    The files are used as they are published. An image is the ``.jpg`` with the name of its entry, and a
    category ``Unlabeled``, which has no segments, is not a class.

    Args:
        ann_file: As `CocoPanopticDataset`.
        categories: As `CocoPanopticDataset`.
        **kwargs: As `CocoPanopticDataset`.
    """

    def __init__(
        self, ann_file: str = '', categories: Source | None = 'mapillary_panoptic', **kwargs: Any
    ) -> None:
        super().__init__(ann_file, categories, **kwargs)

    def _image_name(self, image: Mapping) -> str:
        return f'{osp.splitext(image["file_name"])[0]}.jpg'

    @classmethod
    def _parse_categories(cls, document: dict, path: str) -> tuple:
        categories = super()._parse_categories(document, path)
        return tuple(category for category in categories if category.name != UNLABELED)
