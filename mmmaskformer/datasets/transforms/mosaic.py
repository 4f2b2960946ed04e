"""Mosaics of four images with their segments or label maps."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Sized
from typing import Any

import mmcv
import numpy as np
from mmseg.datasets.transforms import RandomMosaic
from numpy.typing import NDArray

from mmmaskformer.registry import TRANSFORMS

from ..id_maps import merge_segments

PLACES = 'top_left', 'top_right', 'bottom_left', 'bottom_right'


@TRANSFORMS.register_module()
class SegmentMosaic(RandomMosaic):
    """mmseg's `RandomMosaic` that also merges segments, for panoptic, instance and semantic annotations.

    Works in `MultiImageMixDataset`, whose inner pipeline loads images and annotations. The segments of the
    four images get one numbering, 1, 2, ..., and overlapping objects keep their layers. As after a crop,
    segments without pixels stay in the list, and ``area`` is that of the annotation file. A mosaic may have
    four times as many segments as an image; ``num_queries`` has to be at least that.

    Args:
        prob: Probability of a mosaic.
        img_scale: Height and width of the area of one image; the mosaic has twice the height and width.
        center_ratio_range: Range of the point where the images meet, as fractions of ``img_scale``.
        pad_val: Value around images; 128 as in the data pipelines of the package.
        seg_pad_val: Label around label maps; maps of segment ids are surrounded by void, 0.

    Raises:
        ValueError: Annotations are not loaded yet, or not for all four images.
    """

    handles_segments = True

    def __init__(
        self,
        prob: float,
        img_scale: tuple[int, int] = (640, 640),
        center_ratio_range: tuple[float, float] = (0.5, 1.5),
        pad_val: float | tuple[float, ...] = 128,
        seg_pad_val: int = 255,
    ) -> None:
        super().__init__(prob, tuple(img_scale), center_ratio_range, pad_val, seg_pad_val)

    def get_indices(self, dataset: Sized) -> list[int]:
        """Indices of three images to join."""
        return [random.randrange(len(dataset)) for _ in range(3)]

    def transform(self, results: dict) -> dict:
        """Join an image with ``results['mix_results']``."""
        if not self.do_mosaic():
            return results
        parts = [results, *results['mix_results']]
        _check_loaded(parts)
        center = self.generate_mosaic_center()
        fields = {key: [part[key] for part in parts] for key in results.get('seg_fields', [])}
        mosaic: dict[str, Any] = {}
        if 'segments_info' in results:
            segments = [part['segments_info'] for part in parts]
            maps, mosaic['segments_info'] = merge_segments(list(zip(fields.pop('gt_seg_map'), segments)))
            mosaic['gt_seg_map'] = self._join(maps, 0, center, 'nearest')
        for key, maps in fields.items():
            mosaic[key] = self._join(maps, self.seg_pad_val, center, 'nearest')
        image = self._join([part['img'] for part in parts], self.pad_val, center, 'bilinear')
        results.update(mosaic, img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        if 'annotated_shape' in results:
            results['annotated_shape'] = results['ori_shape']
        return results

    def _join(
        self, arrays: Sequence[NDArray[Any]], fill: Any, center: tuple[int, int], interpolation: str
    ) -> NDArray[Any]:
        """Join four arrays ``(h, w, ...)`` at the center (x, y), each resized to fit its area."""
        height, width = self.img_scale
        shape = (2 * height, 2 * width, *arrays[0].shape[2:])
        joined = np.full(shape, fill, np.result_type(*arrays))
        for place, array in zip(PLACES, arrays):
            scale = min(height / array.shape[0], width / array.shape[1])
            size = max(int(array.shape[1] * scale), 1), max(int(array.shape[0] * scale), 1)
            resized = mmcv.imresize(array, size, interpolation=interpolation)
            resized = resized.reshape(*resized.shape[:2], *array.shape[2:])  # OpenCV drops a single channel
            target, source = self._mosaic_combine(place, center, size)
            joined[_box(target)] = resized[_box(source)]
        return joined


def _box(corners: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of left, top, right, bottom."""
    left, top, right, bottom = corners
    return slice(top, bottom), slice(left, right)


def _check_loaded(parts: Sequence[Mapping]) -> None:
    for part in parts:
        annotated = any(part.get(key) for key in ('seg_map_path', 'segments_info', 'instances'))
        if annotated and 'gt_seg_map' not in part:
            raise ValueError(
                f'SegmentMosaic: the annotations of {part.get("img_path")} are not loaded: load them in the '
                'pipeline of the data set inside MultiImageMixDataset.'
            )
        if ('segments_info' in part) != ('segments_info' in parts[0]):
            raise ValueError(
                f'SegmentMosaic: only one of {part.get("img_path")} and {parts[0].get("img_path")} has '
                'segments: mix data sets of one kind.'
            )
