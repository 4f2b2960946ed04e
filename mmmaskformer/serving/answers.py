"""Results as JSON and PNG."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Masks = Literal['rle', 'polygons', 'none']
KINDS = dict(semantic='regions', panoptic='segments', instances='instances')
FAST = 1
"""Compression of PNGs: larger files, soon written."""


def drop_low_scores(result: Any, least: float) -> None:
    """Leave out segments and instances with lower scores; their pixels in the id map become 0."""
    for kind in ('segments', 'instances'):
        items = getattr(result, kind)
        if items is None or not least:
            continue
        kept = [item for item in items if item.score is None or item.score >= least]
        if kind == 'segments':
            ids = np.array([item.id for item in kept], result.panoptic.dtype)
            result.panoptic[~np.isin(result.panoptic, ids)] = 0
        items[:] = kept


def json_of(results: Sequence[Any], names: Sequence[str], masks: Masks, maps: bool) -> bytes:
    """``{"results": [...]}``, an entry for each image; see docs/serving.md.

    Args:
        results: Results of the images.
        names: What the client calls the images.
        masks: How the pixels of a segment are given.
        maps: Whether the label map and the id map come along, as PNGs in base64.
    """
    entries = [_entry(result, name, masks, maps) for result, name in zip(results, names)]
    return json.dumps(dict(results=entries)).encode()


def _entry(result: Any, name: str, masks: Masks, maps: bool) -> dict[str, Any]:
    height, width = result.size
    entry: dict[str, Any] = dict(name=name, height=height, width=width)
    for kind, attribute in KINDS.items():
        items = getattr(result, attribute)
        if items is not None:
            entry[kind] = [_segment(item, masks) for item in items]
    for title, numbers in (('label_map', result.semantic), ('segment_map', result.panoptic)):
        if maps and numbers is not None:
            entry[title] = base64.b64encode(png_of(numbers)).decode()
    return entry


def _segment(segment: Any, masks: Masks) -> dict[str, Any]:
    entry = segment.to_json()
    if masks != 'rle':
        del entry['segmentation']
    if masks == 'polygons':
        from ..outlines import outlines_of  # with OpenCV, which not all need

        parts = outlines_of(np.asarray(segment.mask))
        entry['polygons'] = [[part.outer, *part.holes] for part in parts]
    return entry


def png_of(pixels: NDArray[Any]) -> bytes:
    """A PNG of a map ``(H, W)`` of 8 or 16 bits, or of an image ``(H, W, 3)`` uint8 RGB."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, 'PNG', compress_level=FAST)
    return file.getvalue()
