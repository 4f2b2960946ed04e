"""ADE20K with all 847 classes that occur often enough to be learned, and its panoptic annotations."""

from __future__ import annotations

from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .categories import FOLDER, Source, default_color
from .coco_panoptic import CocoPanopticDataset

IGNORED_LABEL = 65535


def _read_classes() -> dict[int, str]:
    """Names of the classes by their number in ADE20K's own index, in the order of the class indices."""
    lines = (FOLDER / 'ade20k_full.txt').read_text(encoding='utf-8').splitlines()
    return {int(number): name for number, name in (line.split(' ', 1) for line in lines)}


CLASSES = _read_classes()


@DATASETS.register_module()
class Ade20kFullDataset(BaseSegDataset):
    """Images ``*.jpg`` and label maps ``*.tif`` of 16 bits, labels 0-846 and 65535 = ignored.

    ``tools/dataset_converters/ade20k_full.py`` writes them. There are more classes than 8 bits hold: load the
    labels by ``mmmaskformer.LoadAnnotations``. Pixels of no class have label 65535, or 255 in a subset of up
    to 255 classes.

    Args:
        img_suffix: End of the names of images.
        seg_map_suffix: End of the names of label maps.
        **kwargs: As mmseg's `BaseSegDataset`.
    """

    METAINFO = dict(
        classes=tuple(CLASSES.values()), palette=[list(default_color(index)) for index in range(len(CLASSES))]
    )

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.tif', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)


@DATASETS.register_module()
class Ade20kPanopticDataset(CocoPanopticDataset):
    """ADE20K panoptic: the 150 classes of SceneParse150 in their order, 100 of them things, with ids 0-149.

    ``tools/dataset_converters/ade20k_panoptic.py`` writes its files.

    Args:
        ann_file: As `CocoPanopticDataset`.
        categories: As `CocoPanopticDataset`.
        **kwargs: As `CocoPanopticDataset`.
    """

    same_id_advice = (
        'road and skyscraper share a color in the files of the original script; write the files anew with '
        'tools/dataset_converters/ade20k_panoptic.py.'
    )

    def __init__(
        self, ann_file: str = '', categories: Source | None = 'ade20k_panoptic', **kwargs: Any
    ) -> None:
        super().__init__(ann_file, categories, **kwargs)
