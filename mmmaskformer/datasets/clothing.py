"""Clothing Co-Parsing: photographs of street fashion with 58 kinds of clothing and the background."""

from __future__ import annotations

from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .categories import default_color

CLASSES = (
    'null', 'accessories', 'bag', 'belt', 'blazer', 'blouse', 'bodysuit', 'boots', 'bra', 'bracelet', 'cape',
    'cardigan', 'clogs', 'coat', 'dress', 'earrings', 'flats', 'glasses', 'gloves', 'hair', 'hat', 'heels',
    'hoodie', 'intimate', 'jacket', 'jeans', 'jumper', 'leggings', 'loafers', 'necklace', 'panties', 'pants',
    'pumps', 'purse', 'ring', 'romper', 'sandals', 'scarf', 'shirt', 'shoes', 'shorts', 'skin', 'skirt',
    'sneakers', 'socks', 'stockings', 'suit', 'sunglasses', 'sweater', 'sweatshirt', 'swimwear', 't-shirt',
    'tie', 'tights', 'top', 'vest', 'wallet', 'watch', 'wedges',
)  # fmt: skip


@DATASETS.register_module()
class ClothingCoParsingDataset(BaseSegDataset):
    """Photographs in ``img/SPLIT/*.jpg`` and label maps in ``ann/SPLIT/*.png``, labels 0-58, 0 = background.

    ``tools/dataset_converters/clothing_co_parsing.py`` writes the label maps. The background is a class like
    the others, so no label is ignored.

    Args:
        img_suffix: End of the names of images.
        seg_map_suffix: End of the names of label maps.
        **kwargs: As mmseg's `BaseSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=[list(default_color(index)) for index in range(len(CLASSES))])

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
