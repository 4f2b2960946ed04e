"""Cityscapes with panoptic annotations; MMSegmentation has the data set for semantic ones."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

from mmmaskformer.registry import DATASETS

from .categories import Source
from .coco_panoptic import CocoPanopticDataset


@DATASETS.register_module()
class CityscapesPanopticDataset(CocoPanopticDataset):
    """Files as cityscapesscripts' ``createPanopticImgs`` makes them, 19 classes, 8 of them things.

    ``tools/dataset_converters/cityscapes_panoptic.py`` writes the same files. The file names of images in
    them do not exist, so images are found by their id: ``CITY/ID_leftImg8bit.png`` in ``img_path``.

    Args:
        ann_file: As `CocoPanopticDataset`.
        categories: As `CocoPanopticDataset`.
        **kwargs: As `CocoPanopticDataset`.
    """

    def __init__(
        self, ann_file: str = '', categories: Source | None = 'cityscapes_panoptic', **kwargs: Any
    ) -> None:
        super().__init__(ann_file, categories, **kwargs)

    def _image_name(self, image: Mapping) -> str:
        if not isinstance(image['id'], str):
            raise ValueError(
                f'{self.ann_file}: the image {image} has a number as id, expected CITY_SEQUENCE_FRAME: '
                'correct that entry.'
            )
        return osp.join(city_of(image['id']), f'{image["id"]}_leftImg8bit.png')


def city_of(image_id: str) -> str:
    """The city, which is also the folder, of an image ``CITY_SEQUENCE_FRAME``."""
    return image_id.rsplit('_', 2)[0]
