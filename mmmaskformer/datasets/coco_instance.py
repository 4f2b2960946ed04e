"""COCO instance annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log

from mmmaskformer.registry import DATASETS

from .coco_base import CocoDataset
from .entries import OBJECT, check_entries


@DATASETS.register_module()
class CocoInstanceDataset(CocoDataset):
    """A JSON file with objects as polygons or run lengths; all classes are things.

    A sample has ``instances``, a list of dicts with ``id``, ``segmentation``, ``category_id`` (index of the
    class), ``isthing``, ``iscrowd`` and ``area``; `LoadInstanceAnnotations` takes it from there. Objects
    without area are left out; their number is logged, and kept as ``num_empty``.

    Args:
        ann_file: The JSON file. Its ``images`` name the pictures in ``img_path``.
        categories: Order of the classes: ``'coco_instance'`` for COCO's 80, path of a JSON file, list of
            dicts, or None for the categories of ``ann_file`` in its order.
        filter_cfg: ``dict(filter_empty_gt=True)`` leaves images without objects, or with crowds alone, out of
            training.
        **kwargs: As `CocoDataset`.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the sentence names the entry.
    """

    all_things = True

    def _images(self, document: dict) -> dict[Any, dict]:
        images = super()._images(document)
        for image in document['images']:
            shape = image.get('height'), image.get('width')
            if None not in shape:
                images[image['id']]['listed_shape'] = shape
        return images

    def _truths(self, annotations: list[dict], images: Mapping, classes: Mapping) -> dict[Any, dict]:
        truths: dict[Any, dict] = {}
        ids = set()
        self.num_empty = 0
        for entry in check_entries(annotations, OBJECT, f'{self.ann_file}: annotations'):
            known, img_id = classes.get(entry['category_id']), entry['image_id']
            if known is None or img_id not in images or entry['id'] in ids:
                raise ValueError(self._fault(entry, known is None, img_id not in images))
            ids.add(entry['id'])
            segmentation = entry.get('segmentation')
            if not segmentation or entry.get('area') == 0:
                self.num_empty += 1
                continue
            instance = dict(
                id=entry['id'],
                segmentation=segmentation,
                category_id=known[0],
                isthing=known[1],
                iscrowd=bool(entry.get('iscrowd', 0)),
                area=entry.get('area'),
            )
            truths.setdefault(img_id, dict(instances=[]))['instances'].append(instance)
        if self.num_empty:
            print_log(f'{self.ann_file}: {self.num_empty} objects without area are left out.', 'current')
        return truths

    def _fault(self, entry: dict, unknown: bool, homeless: bool) -> str:
        instance = f'{self.ann_file}: the object {entry["id"]} of image {entry["image_id"]!r}'
        if unknown:
            return (
                f'{instance} has category_id {entry["category_id"]}, which is no category: correct the file.'
            )
        if homeless:
            return f'{instance} belongs to no image of the file: correct that entry.'
        return f'{instance} has the id of another object: correct the file.'

    def _without_truth(self, info: dict) -> dict:
        return dict(instances=[])

    def _is_empty(self, info: dict) -> bool:
        return all(instance['iscrowd'] for instance in info['instances'])
