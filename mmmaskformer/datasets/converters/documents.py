"""The content of COCO's JSON files that converters write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..categories import Category
from ..id_maps import describe_segment
from ..segmentations import run_lengths_of


def panoptic_document(entries: Sequence[tuple[dict, dict]], categories: Sequence[Category]) -> dict[str, Any]:
    """The content of a panoptic JSON file.

    Args:
        entries: For each image, its entries among ``images`` and ``annotations``.
        categories: The categories.
    """
    images, annotations = (list(column) for column in zip(*entries))
    return dict(images=images, annotations=annotations, categories=_described(categories))


def describe_object(mask: np.ndarray, category_id: int, crowd: bool = False) -> dict[str, Any]:
    """An entry of ``annotations`` of an instance JSON file, without its id and that of its image.

    Args:
        mask: ``(H, W)`` bool, not empty.
        category_id: Its category's id in the file.
        crowd: Whether it is a group of objects.
    """
    content = {**describe_segment(mask, 0, category_id), 'iscrowd': int(crowd)}
    return {**content, 'segmentation': run_lengths_of(mask)}


def instance_document(
    entries: Sequence[tuple[dict, list[dict]]], categories: Sequence[Category]
) -> dict[str, Any]:
    """The content of an instance JSON file; annotations are numbered from 1.

    Args:
        entries: For each image, its entry among ``images`` and its objects (`describe_object`).
        categories: The categories.
    """
    listed = [{**content, 'image_id': image['id']} for image, objects in entries for content in objects]
    annotations = [{**content, 'id': number} for number, content in enumerate(listed, start=1)]
    images = [image for image, _ in entries]
    return dict(images=images, annotations=annotations, categories=_described(categories))


def _described(categories: Sequence[Category]) -> list[dict[str, Any]]:
    return [
        dict(id=category.id, name=category.name, isthing=int(category.isthing), color=list(category.color))
        for category in categories
    ]
