"""The toy scenes as a semantic and as a panoptic data set."""

from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from ..categories import Source
from ..coco_panoptic import CocoPanopticDataset
from .classes import CATEGORIES
from .panoptic import categories_json


@DATASETS.register_module()
class ToyDataset(BaseSegDataset):
    """Scenes drawn by :func:`mmmaskformer.datasets.toy.write_toy`.

    Label maps hold 0 for unlabelled and 1..10 for the classes, which ``reduce_zero_label`` turns into 255 and
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
