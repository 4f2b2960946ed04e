"""Loaders of panoptic and instance annotations: a map of small segment ids and a list of segments."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from mmmaskformer.registry import TRANSFORMS

from ..file_checks import check_same_size, named_read_errors, read_exact
from ..id_maps import layer_masks, number_segments
from ..segmentations import draw_segmentation

MAX_LAYERS = 128  # channels that OpenCV 5 resizes


@TRANSFORMS.register_module()
class LoadPanopticAnnotations(BaseTransform):
    """Read the id PNG of `CocoPanopticDataset` into one map of small ids.

    Sets ``gt_seg_map``, ``(H, W)`` uint8 or (from 255 segments on) int32, 0 = void, and renumbers
    ``segments_info`` to it: 1, 2, ... in the order of the file. Segments without pixels are skipped in
    training and evaluation, and the first ones are logged. Areas are those of the file where it has them.
    Samples without annotation are returned unchanged.

    Args:
        backend_args: MMEngine's file backend.

    Raises:
        FileNotFoundError: The PNG is missing.
        ValueError: It is cut off or damaged, a JPEG or not an RGB image, holds an id that is not in the JSON
            file, or differs in size from its image.
    """

    loads_segments = True

    def __init__(self, backend_args: dict | None = None) -> None:
        self.backend_args = backend_args
        self._logged = False

    def transform(self, results: dict) -> dict:
        """Load the map at ``results['seg_map_path']``."""
        path = results.get('seg_map_path')
        if path is None:
            return results
        if 'segments_info' not in results:
            raise ValueError(
                f'The sample of {path} has no segments_info: LoadPanopticAnnotations loads samples of '
                'CocoPanopticDataset; use LoadAnnotations for the label maps of other data sets.'
            )
        segments = results['segments_info']
        with named_read_errors('panoptic map', path):
            colors = self._read(path)
            id_map = number_segments(colors, [segment['id'] for segment in segments])
            counts = np.bincount(id_map.ravel(), minlength=len(segments) + 1)[1:]
            if not counts.all():
                segments = self._with_pixels(path, segments, counts)
                id_map = number_segments(colors, [segment['id'] for segment in segments])
        check_same_size('panoptic map', id_map.shape, results, 'data_prefix')
        return _with_segments(results, id_map, segments)

    def _with_pixels(self, path: str, segments: list[dict], counts: np.ndarray) -> list[dict]:
        if not self._logged:
            empty = [segment['id'] for segment, count in zip(segments, counts) if not count]
            print_log(
                f'{path} has no pixel of {len(empty)} segments of the JSON file (ids {empty[:3]}): such '
                'segments are skipped in training and evaluation; further ones are not logged',
                'current',
                logging.WARNING,
            )
        self._logged = True
        return [segment for segment, count in zip(segments, counts) if count]

    def _read(self, path: str) -> np.ndarray:
        content = read_exact(path, self.backend_args)
        colors = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
        if colors is None:
            raise ValueError('it is not an image')
        channels = 1 if colors.ndim == 2 else colors.shape[2]
        bits = 8 * colors.itemsize
        if _has_palette(content) or (channels, bits) != (3, 8):
            found = 'a palette' if _has_palette(content) else f'{channels} channels of {bits} bits'
            raise ValueError(
                f'it has {found}, but ids of segments are stored in RGB of 8 bits '
                '(red + 256 green + 65536 blue)'
            )
        return colors


@TRANSFORMS.register_module()
class LoadInstanceAnnotations(BaseTransform):
    """Draw the objects of `CocoInstanceDataset` into a map of small ids, with layers where objects overlap.

    Sets ``gt_seg_map``, ``(H, W)`` or, where objects overlap, ``(H, W, L)``, uint8 or (from 255 objects on)
    int32, 0 = no object, and ``segments_info``. Objects that cover no pixel are skipped. To pad maps of more
    than four layers, use `PadSegments`.

    Raises:
        ValueError: A segmentation cannot be drawn or differs in size from its image, the image has another
            size than in the annotation file, or more than 128 objects overlap, whose layers OpenCV cannot
            resize.
    """

    loads_segments = True

    def transform(self, results: dict) -> dict:
        """Draw ``results['instances']``."""
        if 'instances' not in results:
            return results
        shape = tuple(results['ori_shape'][:2])
        listed = results.get('listed_shape', shape)
        if listed != shape:
            raise ValueError(
                f'{results["img_path"]} is {shape[1]}x{shape[0]} pixels, but the annotation file with its '
                f'objects says {listed[1]}x{listed[0]}: correct the pair, or check data_prefix.'
            )
        drawn = list(self._drawn(results, shape))
        masks = (mask for _, mask in drawn)
        id_map = layer_masks(masks, len(drawn), shape)
        if id_map.ndim == 3 and id_map.shape[2] > MAX_LAYERS:
            raise ValueError(
                f'{results["img_path"]}: more than {MAX_LAYERS} objects lie on one another, which OpenCV '
                'cannot resize: remove the image from the data set.'
            )
        return _with_segments(results, id_map, [instance for instance, _ in drawn])

    def _drawn(self, results: dict, shape: tuple[int, int]) -> Iterator[tuple[dict, np.ndarray]]:
        for instance in results['instances']:
            try:
                mask = draw_segmentation(instance['segmentation'], shape)
            except Exception as error:
                raise ValueError(
                    f'{results["img_path"]}: the segmentation of object {instance.get("id")} cannot be drawn '
                    f'({error}): correct it in the annotation file.'
                ) from error
            if mask.any():
                yield instance, mask


def _has_palette(content: bytes) -> bool:
    """Whether a PNG has a palette, whose colors OpenCV returns instead of the indices."""
    return content[:4] == b'\x89PNG' and content[25:26] == b'\x03'


def _with_segments(results: dict, id_map: np.ndarray, segments: list[dict]) -> dict:
    """Add the id map and its list of segments; ids count from 1, missing areas are counted in pixels."""
    areas = [segment['area'] for segment in segments]
    if None in areas:
        counts = np.bincount(id_map.ravel(), minlength=len(segments) + 1)[1:].tolist()
        areas = [count if area is None else area for area, count in zip(areas, counts)]
    results['gt_seg_map'] = id_map
    results['annotated_shape'] = results.get('ori_shape')
    results['segments_info'] = [
        dict(
            id=number,
            category_id=segment['category_id'],
            isthing=segment['isthing'],
            iscrowd=segment['iscrowd'],
            area=area,
        )
        for number, (segment, area) in enumerate(zip(segments, areas), start=1)
    ]
    results.setdefault('seg_fields', []).append('gt_seg_map')
    return results
