"""Maps of segment ids: decoded from color images, layered for overlapping objects, merged for mosaics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

MAX_SMALL = 254
"""Segments that 8 bits hold; 255 stays free, so that labels padded with it are noticed."""
OPAQUE = 255 << 24


def id_type(num_segments: int) -> type[np.generic]:
    """The smallest type for an id map that both OpenCV and PyTorch support."""
    return np.uint8 if num_segments <= MAX_SMALL else np.int32


def number_segments(colors: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Number the segments of a COCO panoptic PNG by their place in ``ids``.

    Works on runs of equal pixels, so that the time hardly depends on the number of segments.

    Args:
        colors: ``(H, W, 3)`` uint8, blue, green, red, as OpenCV reads it; id = red + 256 green + 65536 blue,
            0 is void.
        ids: Id of each segment.

    Returns:
        ``(H, W)`` uint8 or int32: 1 for pixels of ``ids[0]`` and so on, 0 for void.

    Raises:
        ValueError: A pixel has an id that is neither in ``ids`` nor 0.
    """
    pixels = cv2.cvtColor(colors, cv2.COLOR_BGR2RGBA).view('<u4').ravel()
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = np.concatenate([[0], changes])
    values = pixels[starts]
    known = np.concatenate([[0], np.asarray(ids, dtype=np.uint32)]).astype(np.uint32) | np.uint32(OPAQUE)
    order = np.argsort(known)
    places = order[np.searchsorted(known, values, sorter=order).clip(max=len(known) - 1)]
    strange = values[known[places] != values]
    if len(strange):
        raise ValueError(f'its pixels have the id {int(strange[0]) & ~OPAQUE}, which no segment has')
    numbers = places.astype(id_type(len(ids)))
    return np.repeat(numbers, np.diff(starts, append=len(pixels))).reshape(colors.shape[:2])


def describe_segment(mask: np.ndarray, number: int, category_id: int) -> dict:
    """The entry of a segment in COCO's panoptic JSON.

    Args:
        mask: ``(H, W)`` bool, not empty.
        number: Its id, red + 256 green + 65536 blue.
        category_id: Its category's id in the file.

    Returns:
        The entry of ``segments_info``; the box is (left, top, width, height).
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    return dict(
        id=number,
        category_id=category_id,
        area=int(np.count_nonzero(mask)),
        bbox=[left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        iscrowd=0,
    )


def layer_masks(masks: Iterable[np.ndarray], num_masks: int, shape: tuple[int, int]) -> np.ndarray:
    """Put each mask on the first layer where it covers no other.

    Args:
        masks: Boolean masks ``(H, W)``.
        num_masks: Number of masks.
        shape: Height and width.

    Returns:
        ``(H, W)`` uint8 or int32, or ``(H, W, L)`` if masks overlap: 1 for pixels of the first mask and so
        on, 0 for pixels of none.
    """
    layers: list[np.ndarray] = [np.zeros(shape, id_type(num_masks))]
    for number, mask in enumerate(masks, start=1):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            continue
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        mask = mask[box]
        for layer in layers:
            if not layer[box][mask].any():
                break
        else:
            layer = np.zeros_like(layers[0])
            layers.append(layer)
        layer[box][mask] = number
    return layers[0] if len(layers) == 1 else np.stack(layers, axis=-1)


def merge_segments(parts: Sequence[tuple[np.ndarray, Sequence[dict]]]) -> tuple[list[np.ndarray], list[dict]]:
    """Give the segments of several images one numbering.

    Args:
        parts: For each image its id map, ``(H, W)`` or ``(H, W, L)``, and its segments with ids 1, 2, ...

    Returns:
        The maps, of one type and number of layers, ``(H, W)`` if all have one; and the list of all segments.
    """
    dtype = id_type(sum(len(segments) for _, segments in parts))
    num_layers = max(id_map[0, 0].size for id_map, _ in parts)
    maps: list[np.ndarray] = []
    merged: list[dict] = []
    for id_map, segments in parts:
        offset = len(merged)
        layers = np.zeros((*id_map.shape[:2], num_layers), dtype)
        numbers = id_map.reshape(*id_map.shape[:2], -1).astype(dtype)
        layers[..., : numbers.shape[-1]] = np.where(numbers > 0, numbers + dtype(offset), 0)
        maps.append(layers if num_layers > 1 else layers[..., 0])
        merged += [{**segment, 'id': segment['id'] + offset} for segment in segments]
    return maps, merged
