"""COCO's panoptic JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..categories import Category


def panoptic_document(entries: Sequence[tuple[dict, dict]], categories: Sequence[Category]) -> dict[str, Any]:
    """The content of a panoptic JSON file.

    Args:
        entries: For each image, its entries among ``images`` and ``annotations``.
        categories: The categories.
    """
    images, annotations = (list(column) for column in zip(*entries))
    described = [
        dict(id=category.id, name=category.name, isthing=int(category.isthing), color=list(category.color))
        for category in categories
    ]
    return dict(images=images, annotations=annotations, categories=described)
