"""COCO's average precision of masks and boxes, computed by pycocotools without its console output."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# Places of COCOeval.stats
STATISTICS = {'AP': 0, 'AP50': 1, 'AP75': 2, 'AP_small': 3, 'AP_medium': 4, 'AP_large': 5}


class Precision(NamedTuple):
    """Average precision in percent; nan without ground truth.

    Attributes:
        overall: By the names of `STATISTICS`.
        per_class: Of each requested category, over all sizes.
        summary: COCO's own table.
    """

    overall: dict[str, float]
    per_class: list[float]
    summary: str


def encode_mask(mask: NDArray[Any]) -> dict:
    """Run lengths of a mask ``(H, W)``, with text for JSON and pickle."""
    run_lengths = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(size=list(run_lengths['size']), counts=run_lengths['counts'].decode())


def annotation(
    mask: NDArray[Any], category_id: int, area: float | None = None, **extra: Any
) -> dict[str, Any]:
    """A mask as an entry of COCO's annotations; ``area`` is that of the mask by default."""
    return encoded_annotation(encode_mask(mask), category_id, area, **extra)


def encoded_annotation(
    run_lengths: dict, category_id: int, area: float | None = None, **extra: Any
) -> dict[str, Any]:
    """As :func:`annotation`, for a mask in run lengths."""
    area = float(coco_mask.area(run_lengths)) if area is None else float(area)
    return dict(category_id=int(category_id), segmentation=run_lengths, area=area, **extra)


def with_box(entry: dict) -> dict:
    """An annotation with the box around its mask, ``bbox`` (left, top, width, height)."""
    return dict(entry, bbox=coco_mask.toBbox(entry['segmentation']).tolist())


def box_annotation(box: Sequence[float], category_id: int, **extra: Any) -> dict[str, Any]:
    """A box (left, top, right, bottom) as an entry of COCO's annotations."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return dict(category_id=int(category_id), bbox=[left, top, width, height], area=width * height, **extra)


def index_annotations(
    annotations: Sequence[dict], images: Sequence[int | str], categories: Sequence[int]
) -> COCO:
    """COCO's index of annotations that have ``image_id``; they are numbered from 1.

    Args:
        annotations: As :func:`annotation` returns them.
        images: Ids of the images. Their sizes are not needed, since run lengths include them.
        categories: Ids of the categories.
    """
    coco = COCO()
    coco.dataset = dict(
        images=[dict(id=number, height=0, width=0) for number in images],
        categories=[dict(id=number) for number in categories],
        annotations=[
            dict(entry, id=number, iscrowd=int(entry.get('iscrowd', 0)))
            for number, entry in enumerate(annotations, start=1)
        ],
    )
    with _silenced():
        coco.createIndex()
    return coco


def average_precision(
    ground_truth: COCO,
    detections: Sequence[dict],
    images: Sequence[int | str],
    categories: Sequence[int],
    iou_type: str = 'segm',
) -> Precision:
    """Evaluate masks or boxes, at most 100 per image, with COCO's settings.

    Args:
        ground_truth: Index of the ground truth.
        detections: Annotations with ``image_id`` and ``score``.
        images: Ids of the images to evaluate.
        categories: Ids of the categories to evaluate.
        iou_type: What is compared: ``'segm'`` for masks, ``'bbox'`` for boxes.
    """
    found = index_annotations(detections, images, categories)
    with _silenced() as printed:
        evaluation = COCOeval(ground_truth, found, iou_type)
        evaluation.params.imgIds = list(images)
        evaluation.params.catIds = list(categories)
        evaluation.evaluate()
        evaluation.accumulate()
        printed.truncate(printed.seek(0))
        evaluation.summarize()
    # thresholds, recalls, categories, sizes (the first is all), numbers of detections (the last is 100)
    table = evaluation.eval['precision'][:, :, :, 0, -1]
    places = {number: place for place, number in enumerate(evaluation.params.catIds)}
    return Precision(
        overall={name: _percent(evaluation.stats[place]) for name, place in STATISTICS.items()},
        per_class=[_percent(_mean(table[:, :, places[number]])) for number in categories],
        summary=printed.getvalue().rstrip(),
    )


def _mean(precision: NDArray[Any]) -> float:
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else -1.0


def _percent(value: float) -> float:
    """COCO returns -1 without ground truth."""
    return 100 * float(value) if value > -1 else float('nan')


@contextlib.contextmanager
def _silenced() -> Iterator[io.StringIO]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        yield printed
