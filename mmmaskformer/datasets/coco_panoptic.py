"""COCO panoptic annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmmaskformer.registry import DATASETS

from .coco_base import CocoDataset
from .coco_json import (
    REPEATED,
    UNLISTED_IMAGE,
    Classes,
    ImageIndex,
    check_kind,
    check_known_images,
    skip_entry,
)
from .json_fields import ANNOTATION, SEGMENT, check_entries, crowd_flag, listed_area, needed_number

NUM_COLORS = 1 << 24


@DATASETS.register_module()
class CocoPanopticDataset(CocoDataset):
    """A JSON file with the segments of each image, and an id PNG for each image.

    Things and stuff may come in any order, and category ids may have gaps. A sample has ``segments_info``, a
    list of dicts with ``id`` (of the PNG), ``category_id`` (index of the class), ``isthing``, ``iscrowd`` and
    ``area``; `LoadPanopticAnnotations` takes it from there. Images without annotation have none of it, and
    are for prediction only.

    Args:
        ann_file: The JSON file. Its ``images`` name the images in ``img_path``, its ``annotations`` the
            PNGs in ``seg_map_path``.
        categories: Order of the classes: name of a packaged list (``'coco_panoptic'``, ...), path of a JSON
            file, list of dicts, or None for the categories of ``ann_file`` in its order.
        filter_cfg: ``dict(filter_empty_gt=True)`` skips images without annotation, or with crowds alone, in
            training.
        **kwargs: As `CocoDataset`.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the message names the entry.
    """

    same_id_advice = 'correct the file.'

    def _index(self, document: dict, classes: Classes) -> list[dict]:
        check_kind(document, self.ann_file, panoptic=True)
        index = ImageIndex(document, self.ann_file, self.left_out, self._image_name)
        annotations = self._annotations(document.get('annotations') or [], index, classes)
        return [
            {
                **self._info(img_id, image),
                **(
                    annotations[img_id]
                    if img_id in annotations
                    else self._without_annotation(img_id, image.name)
                ),
            }
            for img_id, image in index.items()
        ]

    def _image_name(self, image: Mapping) -> str:
        """Path of an image in the folder of images, as the file's entry for it says."""
        return image['file_name']

    def _annotations(self, annotations: list[dict], index: ImageIndex, classes: Classes) -> dict[Any, dict]:
        """Path of the PNG and the segments of each image, by its id."""
        folder = self.data_prefix.get('seg_map_path', '')
        found: dict[Any, dict] = {}
        here = f'{self.ann_file}: annotations'
        for place, annotation in enumerate(check_entries(annotations, ANNOTATION, here)):
            img_id = index.find(annotation['image_id'])
            if img_id is None:
                skip_entry(self.left_out, UNLISTED_IMAGE, annotation['file_name'])
                continue
            where = f'{here}[{place}].segments_info'
            entries = check_entries(annotation['segments_info'], SEGMENT, where)
            content = dict(
                seg_map_path=self._path(folder, annotation['file_name'].replace('\\', '/')),
                segments_info=self._segments(img_id, entries, classes, where),
            )
            if found.setdefault(img_id, content) != content:
                raise ValueError(
                    f'{self.ann_file}: the annotation {annotation["file_name"]} belongs to image {img_id!r}, '
                    'which has another annotation: remove one of them.'
                )
            if found[img_id] is not content:
                skip_entry(self.left_out, REPEATED, annotation['file_name'])
        check_known_images(len(annotations), len(self.left_out.get(UNLISTED_IMAGE, ())), self.ann_file)
        return found

    def _segments(self, img_id: object, entries: list[dict], classes: Classes, where: str) -> list[dict]:
        segments: dict[int, dict] = {}
        for place, entry in enumerate(entries):
            here = f'{where}[{place}]'
            number = needed_number(entry, 'id', here)
            known = classes.get(needed_number(entry, 'category_id', here))
            if known is None or number in segments or not 0 < number < NUM_COLORS:
                raise ValueError(self._fault(img_id, entry, known is None, number in segments))
            segments[number] = dict(
                id=number,
                category_id=known[0],
                isthing=known[1],
                iscrowd=crowd_flag(entry, here),
                area=listed_area(entry),
            )
        return list(segments.values())

    def _fault(self, img_id: object, entry: dict, unknown: bool, repeated: bool) -> str:
        segment = f'{self.ann_file}: in image {img_id!r} the segment {entry["id"]}'
        if unknown:
            return (
                f'{segment} has category_id {entry["category_id"]}, which is not a category of the file: '
                'correct the file.'
            )
        if repeated:
            return f'{segment} appears twice: {self.same_id_advice}'
        return f'{segment} has an id that no pixel can have (1 to {NUM_COLORS - 1}): correct the file.'

    def _without_annotation(self, img_id: object, name: str) -> dict:
        if self.test_mode or (self.filter_cfg or {}).get('filter_empty_gt', False):
            return {}
        raise ValueError(
            f'{self.ann_file}: the image {img_id!r} ({name}) has no annotation to train '
            'on: add one, or set filter_cfg=dict(filter_empty_gt=True) to skip such images.'
        )

    def _is_empty(self, info: dict) -> bool:
        return all(segment['iscrowd'] for segment in info.get('segments_info', []))
