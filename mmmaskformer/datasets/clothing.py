"""Clothing Co-Parsing: photographs of street fashion with 58 kinds of clothing and the background."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .categories import FOLDER, default_color

CLASSES = (
    'null', 'accessories', 'bag', 'belt', 'blazer', 'blouse', 'bodysuit', 'boots', 'bra', 'bracelet', 'cape',
    'cardigan', 'clogs', 'coat', 'dress', 'earrings', 'flats', 'glasses', 'gloves', 'hair', 'hat', 'heels',
    'hoodie', 'intimate', 'jacket', 'jeans', 'jumper', 'leggings', 'loafers', 'necklace', 'panties', 'pants',
    'pumps', 'purse', 'ring', 'romper', 'sandals', 'scarf', 'shirt', 'shoes', 'shorts', 'skin', 'skirt',
    'sneakers', 'socks', 'stockings', 'suit', 'sunglasses', 'sweater', 'sweatshirt', 'swimwear', 't-shirt',
    'tie', 'tights', 'top', 'vest', 'wallet', 'watch', 'wedges',
)  # fmt: skip


def _read_groups() -> dict[int, dict[str, list[str]]]:
    """Classes of each group by its name, by the number of groups; every class is in one group."""
    tables = json.loads((FOLDER / 'clothing_groups.json').read_text(encoding='utf-8'))
    return {int(number): groups for number, groups in tables.items()}


GROUPS = _read_groups()


@DATASETS.register_module()
class ClothingCoParsingDataset(BaseSegDataset):
    """Photographs in ``img/SPLIT/*.jpg`` and label maps in ``ann/SPLIT/*.png``, labels 0-58, 0 = background.

    ``tools/dataset_converters/clothing_co_parsing.py`` writes the label maps. The background is a class like
    the others, so no label is ignored. ``num_groups`` merges the classes by the table
    ``category_lists/clothing_groups.json`` when labels are loaded::

        train_dataloader = dict(dataset=dict(num_groups=12))

    Args:
        img_suffix: End of the names of images.
        seg_map_suffix: End of the names of label maps.
        num_groups: Number of groups that the classes are merged into, 12 or 2; by default they stay as they
            are.
        **kwargs: As mmseg's `BaseSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=[list(default_color(index)) for index in range(len(CLASSES))])

    def __init__(
        self,
        img_suffix: str = '.jpg',
        seg_map_suffix: str = '.png',
        num_groups: int | None = None,
        **kwargs: Any,
    ) -> None:
        if num_groups is not None:
            kwargs['metainfo'] = {**group_metainfo(num_groups), **(kwargs.get('metainfo') or {})}
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int] | None:
        """Map of the labels in files to those of the model, for the names of groups too."""
        for groups in GROUPS.values():
            if new_classes is not None and tuple(new_classes) == tuple(groups):
                numbers = {name: number for number, names in enumerate(groups.values()) for name in names}
                return {label: numbers[name] for label, name in enumerate(CLASSES)}
        return super().get_label_map(new_classes)


def group_metainfo(num_groups: int) -> dict[str, Any]:
    """Names and colors of groups of classes.

    Raises:
        ValueError: There is no table with that many groups.
    """
    if num_groups not in GROUPS:
        raise ValueError(
            f'num_groups={num_groups}; expected one of {sorted(GROUPS)}, or None for all classes'
        )
    names = tuple(GROUPS[num_groups])
    return dict(classes=names, palette=[list(default_color(index)) for index in range(num_groups)])
