"""The toy scenes as a semantic data set of mmseg."""

from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .classes import CATEGORIES


@DATASETS.register_module()
class ToyDataset(BaseSegDataset):
    """Scenes drawn by :func:`mmmaskformer.datasets.toy.write_toy`.

    Label maps hold 0 for unlabelled and 1..10 for the classes, which ``reduce_zero_label`` turns into 255 and
    0..9.
    """

    METAINFO = dict(
        classes=tuple(category.name for category in CATEGORIES),
        palette=[list(category.colour) for category in CATEGORIES],
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
