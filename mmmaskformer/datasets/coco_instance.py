"""COCO instance annotations: the objects of a file, by one set of rules, and the data set of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmmaskformer.registry import DATASETS

from .coco_base import CocoDataset
from .coco_json import (
    REPEATED,
    UNLISTED_IMAGE,
    Classes,
    ImageId,
    ImageIndex,
    LeftOut,
    check_kind,
    check_known_images,
    counted,
    describe_left_out,
    skip_entry,
)
from .dataset_wrappers import bad_samples_pass
from .json_fields import OBJECT, check_entries, crowd_flag, listed_area, needed_number
from .segmentation_checks import undrawable, without_pixels
from .segmentations import polygons_of, polygons_with_area

NO_OUTLINE = 'objects without an outline (segmentation missing or empty)'
NO_PIXEL = 'objects whose outline covers no pixel'
SPECK = 'polygons of less than three corners, whose objects have other polygons'


class ObjectIndex(NamedTuple):
    """Images and objects of an instance file.

    Attributes:
        images: Its images.
        objects: By the id of the image: dicts with ``id``, ``segmentation``, ``category_id`` (place among the
            classes), ``isthing``, ``iscrowd`` (bool) and ``area`` (None where pixels are to be counted). Ids
            are the file's and may repeat: only messages use them.
        left_out: By reason, the file name of the image of each skipped entry.
        faults: A sentence for each object whose outline cannot be drawn; :func:`check_drawable` raises them.
    """

    images: ImageIndex
    objects: dict[ImageId, list[dict]]
    left_out: LeftOut
    faults: list[str]


def index_objects(document: Mapping, path: str, classes: Classes) -> ObjectIndex:
    """Read the images and objects of an instance file by the rules of training and evaluation.

    ``iscrowd`` and ``id`` may be missing, ``area`` is counted where it is missing or not a positive number,
    ids may be 1, 1.0 or "1" and count from any number. Skipped and counted are objects without an outline or
    with one that covers no pixel, annotations listed twice, and annotations of images that are not listed.

    Args:
        document: As :func:`coco_json.read_document` returns it.
        path: Its file, for the messages.
        classes: The categories that objects may have.

    Raises:
        ValueError: The file is panoptic, has boxes and no outline at all, or no annotation of its images; an
            entry lacks a key, or has an unknown category.
    """
    check_kind(document, path, panoptic=False)
    left_out: LeftOut = {}
    index = ImageIndex(document, path, left_out)
    here = f'{path}: annotations'
    entries = check_entries(document.get('annotations') or [], OBJECT, here)
    found = _found(entries, here, index, classes, left_out)
    check_known_images(len(entries), len(left_out.get(UNLISTED_IMAGE, ())), path)
    _check_outlines(entries, found, path)
    objects: dict[ImageId, list[dict]] = {}
    outlines = [instance['segmentation'] for _, instance in found], [index[i].shape for i, _ in found]
    empty = without_pixels(*outlines)
    faults = [
        f'object {found[place][1]["id"]} of {index[found[place][0]].name}: {fault}'
        for place, fault in undrawable(*outlines).items()
    ]
    for (img_id, instance), has_none in zip(found, empty):
        if has_none:
            skip_entry(left_out, NO_PIXEL, index[img_id].name)
            continue
        for _ in range(_num_specks(instance['segmentation'])):
            skip_entry(left_out, SPECK, index[img_id].name)
        objects.setdefault(img_id, []).append(instance)
    return ObjectIndex(index, objects, left_out, faults)


def check_drawable(index: ObjectIndex, path: str) -> None:
    """Refuse objects whose outline cannot be drawn.

    Raises:
        ValueError: An outline cannot be drawn; the message names the first.
    """
    if index.faults:
        raise ValueError(
            f'{path}: {counted(len(index.faults), "objects")} cannot be drawn, the first: {index.faults[0]}. '
            'Correct the file, or train with mmmaskformer.SkipBadSamples, which skips their images.'
        )


def _found(
    entries: Sequence[dict], here: str, index: ImageIndex, classes: Classes, left_out: LeftOut
) -> list[tuple[ImageId, dict]]:
    """Objects with an outline, in the order of the file, each with the id of its image."""
    found = []
    seen: dict[Any, dict] = {}
    for place, entry in enumerate(entries):
        where = f'{here}[{place}]'
        category = needed_number(entry, 'category_id', where)
        if category not in classes:
            raise ValueError(
                f'{where}: the object {entry.get("id")} of image {entry["image_id"]!r} has category_id '
                f'{category}, which is not a category of the file: correct the file.'
            )
        img_id = index.find(entry['image_id'])
        if img_id is None:
            skip_entry(left_out, UNLISTED_IMAGE, f'image {entry["image_id"]}')
            continue
        if 'id' in entry and _repeats(entry, seen):
            skip_entry(left_out, REPEATED, index[img_id].name)
            continue
        segmentation = entry.get('segmentation')
        if not segmentation or not any(segmentation):
            skip_entry(left_out, NO_OUTLINE, index[img_id].name)
            continue
        label, isthing = classes[category]
        found.append(
            (
                img_id,
                dict(
                    id=entry.get('id'),
                    segmentation=segmentation,
                    category_id=label,
                    isthing=isthing,
                    iscrowd=crowd_flag(entry, where),
                    area=listed_area(entry),
                ),
            )
        )
    return found


def _repeats(entry: dict, seen: dict[Any, dict]) -> bool:
    """Whether an annotation was listed before; a different one may have its id, as in merged files."""
    known = seen.setdefault(str(entry['id']), entry)
    keys = 'image_id', 'category_id', 'segmentation'
    return known is not entry and all(known.get(key) == entry.get(key) for key in keys)


def _check_outlines(entries: Sequence[dict], found: Sequence, path: str) -> None:
    if entries and not found and any(entry.get('bbox') for entry in entries):
        raise ValueError(
            f'{path} has boxes and no outlines: none of its {len(entries)} annotations has a segmentation. '
            'Give a file with polygons or run lengths: boxes do not say which pixels belong to an object.'
        )


def _num_specks(segmentation: list | dict) -> int:
    if isinstance(segmentation, dict) or len(segmentation) == 1:
        return 0
    return len(polygons_of(segmentation)) - len(polygons_with_area(segmentation))


@DATASETS.register_module()
class CocoInstanceDataset(CocoDataset):
    """A JSON file with objects as polygons or run lengths; all classes are things.

    A sample has ``instances``, a list of dicts with ``id``, ``segmentation``, ``category_id`` (index of the
    class), ``isthing``, ``iscrowd`` and ``area``; `LoadInstanceAnnotations` takes it from there. What files
    of different tools lack is filled in, and what cannot be used is skipped and counted in ``left_out``, by
    the rules of :func:`mmmaskformer.datasets.coco_instance.index_objects`, which `InstanceAP` applies to
    its ``ann_file``, too. ``num_empty`` of the skipped objects cover no pixel.

    Args:
        ann_file: The JSON file. Its ``images`` name the images in ``img_path``.
        categories: Order of the classes: ``'coco_instance'`` for COCO's 80, path of a JSON file, list of
            dicts, or None for the categories of ``ann_file`` in its order.
        filter_cfg: ``dict(filter_empty_gt=True)`` skips images without objects, or with crowds alone, in
            training.
        **kwargs: As `CocoDataset`.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the message names the entry. Or it is
            a panoptic file, has boxes and no outlines, outlines that cannot be drawn, or nothing to train on.
    """

    all_things = True

    @property
    def num_empty(self) -> int:
        """Number of objects skipped because they have no outline, or one that covers no pixel."""
        return sum(len(self.left_out.get(reason, ())) for reason in (NO_OUTLINE, NO_PIXEL))

    def _index(self, document: dict, classes: Classes) -> list[dict]:
        index = index_objects(document, self.ann_file, classes)
        images, objects, self.left_out, _ = index
        if not bad_samples_pass():
            check_drawable(index, self.ann_file)
        if document.get('annotations') and not objects:
            raise ValueError(
                f'{self.ann_file}: none of its {len(document["annotations"])} annotations can be used '
                f'({describe_left_out(self.left_out)}): give another ann_file.'
            )
        data_list = []
        for img_id, image in images.items():
            shape = {} if image.shape is None else dict(listed_shape=image.shape)
            data_list.append({**self._info(img_id, image), **shape, 'instances': objects.get(img_id, [])})
        return data_list

    def _is_empty(self, info: dict) -> bool:
        return all(instance['iscrowd'] for instance in info['instances'])
