"""CamVid: video frames of streets with the eleven classes of SegNet."""

from collections.abc import Sequence
from typing import Any

from mmseg.datasets import BaseSegDataset

from mmmaskformer.registry import DATASETS

from .categories import Source
from .coco_panoptic import CocoPanopticDataset

VOID_LABEL = 11
IGNORED_LABEL = 255
THINGS = ('car', 'pedestrian', 'bicyclist')


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """Frames in ``img/SPLIT/*.jpg`` and label maps in ``ann/SPLIT/*.png``, labels 0-10 and 11 = void.

    Void is mapped to 255 when labels are loaded, in training and in evaluation, so that ``ignore_index``
    keeps its default.
    """

    METAINFO = {
        'classes': ('sky', 'building', 'pole', 'road', 'pavement', 'tree',
                    'sign symbol', 'fence', 'car', 'pedestrian', 'bicyclist'),
        'palette': [
            [128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0],
            [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192],
        ],
    }  # fmt: skip

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int]:
        """Map of the labels in files to those of the model, for all classes or a subset."""
        return {**(super().get_label_map(new_classes) or {}), VOID_LABEL: IGNORED_LABEL}


@DATASETS.register_module()
class CamVidPanopticDataset(CocoPanopticDataset):
    """The frames in COCO panoptic format with ids 0-10; cars, pedestrians and bicyclists are things.

    Args:
        ann_file: As `CocoPanopticDataset`.
        categories: As `CocoPanopticDataset`; None takes the classes of `CamVidDataset`.
        **kwargs: As `CocoPanopticDataset`.
    """

    def __init__(self, ann_file: str = '', categories: Source | None = None, **kwargs: Any) -> None:
        super().__init__(ann_file, _categories() if categories is None else categories, **kwargs)


def _categories() -> list[dict]:
    names, colors = CamVidDataset.METAINFO['classes'], CamVidDataset.METAINFO['palette']
    return [
        dict(id=number, name=name, isthing=name in THINGS, color=color)
        for number, (name, color) in enumerate(zip(names, colors))
    ]
