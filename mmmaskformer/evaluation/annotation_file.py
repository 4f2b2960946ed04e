"""The objects of a COCO instance file for `InstanceAP`, read by the rules of `CocoInstanceDataset`."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from pycocotools import mask as coco_mask

from ..datasets.categories import check_agreement, parse_categories
from ..datasets.coco_base import CocoDataset
from ..datasets.coco_instance import CocoInstanceDataset, ObjectIndex, check_drawable, index_objects
from ..datasets.coco_json import ImageId, log_left_out, read_document
from ..datasets.segmentations import encode_segmentation
from .coco_ap import encoded_annotation

ADVICE = 'set InstanceAP.ann_file to the file that the data set reads, or remove the setting'


class AnnotationFile:
    """A COCO instance file, read by the rules of `CocoInstanceDataset`.

    Args:
        path: The file.
        backend_args: MMEngine's file backend.
        dataset_meta: ``classes``, ``thing_classes`` and ``category_ids`` of the data set.
    """

    def __init__(self, path: str, backend_args: dict | None, dataset_meta: Mapping[str, Any]) -> None:
        self.path = path
        document = read_document(path, backend_args, 'InstanceAP', ADVICE)
        things = set(dataset_meta['thing_classes'])
        classes = {
            int(number): (place, name in things)
            for place, (number, name) in enumerate(zip(dataset_meta['category_ids'], dataset_meta['classes']))
        }
        self.categories = (
            parse_categories(document['categories'], path, all_things=True)
            if 'categories' in document
            else ()
        )
        self.index: ObjectIndex = index_objects(document, path, classes)
        check_drawable(self.index, path)
        log_left_out(path, self.index.left_out)

    def annotations(self, img_id: ImageId, shape: tuple[int, int]) -> list[dict]:
        """The things of an image for `average_precision`, without ``image_id``.

        Args:
            img_id: Id of the image.
            shape: Height and width of its predicted masks.

        Raises:
            ValueError: The file has no such image, or one of another size; or an outline cannot be drawn.
        """
        known = self._image(img_id)
        listed = self.index.images[known].shape or shape
        if listed != shape:
            raise ValueError(
                f'{self.path}: image {img_id!r} has {listed[1]}x{listed[0]} pixels, but its predicted masks '
                f'have {shape[1]}x{shape[0]}: correct the file, or {ADVICE}'
            )
        annotations = []
        for instance in self.index.objects.get(known, []):
            if not instance['isthing']:
                continue
            try:
                runs = encode_segmentation(instance['segmentation'], listed)
            except Exception as error:
                raise ValueError(
                    f'{self.path}: the segmentation of object {instance["id"]} of image {img_id!r} cannot be '
                    f'drawn ({error}): correct the file.'
                ) from error
            if not coco_mask.area(runs):
                continue
            drawn = encoded_annotation(
                dict(size=list(runs['size']), counts=runs['counts']),
                instance['category_id'],
                instance['area'],
                iscrowd=int(instance['iscrowd']),
            )
            annotations.append(drawn)
        return annotations

    def check(self, datasets: Iterable[Any]) -> None:
        """Compare the file with the data sets whose images are evaluated, before evaluation starts.

        Raises:
            ValueError: The file lacks an image of a data set, or has another file name or other objects for
                it; or they disagree about the categories.
        """
        for dataset in datasets:
            if not isinstance(dataset, CocoDataset):
                continue
            check_agreement(dataset.categories, self.categories, self.path)
            for place in range(len(dataset)):
                info = dataset.get_data_info(place)
                known = self._image(info['img_id'])
                if isinstance(dataset, CocoInstanceDataset):
                    self._compare(known, info, dataset.ann_file)

    def _image(self, img_id: ImageId) -> ImageId:
        known = self.index.images.find(img_id)
        if known is None:
            raise ValueError(
                f'{self.path} has no image with the id {img_id!r}, which the data set has: {ADVICE}'
            )
        return known

    def _compare(self, img_id: ImageId, info: Mapping, ann_file: str) -> None:
        """Compare the file name and the number of objects of an image."""
        name, expected = PurePath(self.index.images[img_id].name).name, PurePath(info['img_path']).name
        numbers = len(self.index.objects.get(img_id, ())), len(info['instances'])
        for what, here, there in (('file name', name, expected), ('number of objects', *numbers)):
            if here != there:
                raise ValueError(
                    f'image {img_id!r} has the {what} {here!r} in {self.path}, but {there!r} in {ann_file}: '
                    f'{ADVICE}'
                )


def same_file(path: str, other: str) -> bool:
    """Whether two paths or URLs lead to one file."""
    return path == other or osp.realpath(path) == osp.realpath(other)
