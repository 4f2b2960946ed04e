"""What files say, read pixel by pixel without the package's means.

A target is ``(height, width, [(label, pixels), ...])``, pixels being the sorted places of a segment's pixels,
and the list sorted.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_masks

Target = tuple[int, int, list[tuple[int, tuple[int, ...]]]]


class WrongLabelError(Exception):
    """A label that is no class; ``args[0]``."""


def of_segments(segments: Any) -> Target:
    """The target that the package made."""
    found = [
        (label, tuple(np.flatnonzero(mask).tolist()))
        for label, mask in zip(segments.labels.tolist(), segments.masks.flatten(1).numpy())
    ]
    return (*segments.masks.shape[-2:], sorted(found))


def semantic(content: bytes, translate: Callable[[int, bool], int], num_classes: int, ignored: int) -> Target:
    """A label map; ``translate`` is given a label, and whether the file has more than 8 bits."""
    image = Image.open(io.BytesIO(content))
    many_bits = np.asarray(image).dtype.itemsize > 1
    width, height = image.size
    places: dict[int, list[int]] = {}
    for place, value in enumerate(image.getdata()):
        label = translate(value // 255 if image.mode == '1' else value, many_bits)
        if label != ignored:
            places.setdefault(label, []).append(place)
    wrong = [label for label in places if not 0 <= label < num_classes]
    if wrong:
        raise WrongLabelError(min(wrong))
    return height, width, sorted((label, tuple(found)) for label, found in places.items())


def panoptic(content: bytes, entry: dict, categories: list[dict]) -> Target:
    """The PNG of an entry of ``annotations``; a pixel's segment is the one with its id."""
    image = Image.open(io.BytesIO(content))
    assert image.mode == 'RGB'
    width, height = image.size
    places: dict[int, list[int]] = {}
    for place, (red, green, blue) in enumerate(image.getdata()):
        number = red + 256 * green + 65536 * blue
        if number:
            places.setdefault(number, []).append(place)
    segments = {segment['id']: segment for segment in entry['segments_info']}
    assert len(segments) == len(entry['segments_info'])
    assert set(places) <= set(segments)
    ids = [category['id'] for category in categories]
    found = [
        (ids.index(segments[number]['category_id']), tuple(pixels))
        for number, pixels in places.items()
        if not segments[number].get('iscrowd')
    ]
    return height, width, sorted(found)


def instances(entries: list[dict], categories: list[dict], height: int, width: int) -> Target:
    """The objects of an image."""
    ids = [category['id'] for category in categories]
    found = []
    for entry in entries:
        outline = entry.get('segmentation')
        if not outline or entry.get('iscrowd'):
            continue
        pixels = tuple(np.flatnonzero(_mask(outline, height, width)).tolist())
        if pixels:
            found.append((ids.index(entry['category_id']), pixels))
    return height, width, sorted(found)


def _mask(outline: Any, height: int, width: int) -> np.ndarray:
    if isinstance(outline, list):
        masks = [coco_masks.decode(coco_masks.frPyObjects([part], height, width)[0]) for part in outline]
        return np.any(masks, axis=0)
    assert outline['size'] == [height, width]
    if not isinstance(outline['counts'], list):
        return coco_masks.decode(outline).astype(bool)
    flat = [value % 2 for value, run in enumerate(outline['counts']) for _ in range(run)]
    return np.array(flat, bool).reshape(width, height).T
