"""Padding and packing of images with a map of segment ids."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import Pad as MMCVPad
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.structures import SegDataSample

from mmmaskformer.registry import TRANSFORMS

META_KEYS = (
    'img_id', 'img_path', 'seg_map_path', 'ori_shape', 'img_shape', 'pad_shape', 'scale_factor', 'flip',
    'flip_direction',
)  # fmt: skip

LABEL_MAP_FILL = 255
FILLED = (
    'a transform filled it as a label map; have it fill with 0, as pad_val=dict(seg=0) in Pad and '
    'seg_pad_val=0 in RandomRotate do'
)
CHANGED = (
    'a transform mixed it with the map of another image, or took its ids for classes; mosaics of segments '
    'are made by mmmaskformer.SegmentMosaic'
)


@TRANSFORMS.register_module()
class PadSegments(MMCVPad):
    """MMCV's `Pad` for images with id maps: pads all layers of the map with void.

    Args:
        img_pad_val: Value around the image.
        **kwargs: As `Pad`, except ``pad_val``.
    """

    def __init__(self, img_pad_val: float | tuple = 0, **kwargs: object) -> None:
        super().__init__(pad_val=dict(img=img_pad_val, seg=0), **kwargs)

    def _pad_seg(self, results: dict) -> None:
        id_map = results.get('gt_seg_map')
        if id_map is None:
            return
        height, width = results['pad_shape'][:2]
        missing = (0, height - id_map.shape[0]), (0, width - id_map.shape[1])
        results['gt_seg_map'] = np.pad(id_map, (*missing, (0, 0))[: id_map.ndim])


@TRANSFORMS.register_module()
class PackSegmentInputs(PackSegInputs):
    """Pack the image, the id map and the list of segments.

    The sample gets ``gt_panoptic_seg``, PixelData of ``(L, H, W)`` uint8 or int32, and ``gt_segments_info``.
    A sample without ground truth gets neither.

    Args:
        with_semantic: Also pack ``gt_sem_seg`` ``(1, H, W)``, the class of every pixel and for void 255, or
            65535 where the data set has more than 255 classes.
        meta_keys: Keys of ``metainfo``.

    Raises:
        ValueError: The map holds an id that no segment has, or images were mixed without their segments.
    """

    handles_segments = True

    def __init__(self, with_semantic: bool = False, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        super().__init__(meta_keys)
        self.with_semantic = with_semantic
        self.ignore_index = 255  # set by the data set

    def transform(self, results: dict) -> dict:
        """Pack ``img``, ``gt_seg_map`` and ``segments_info``."""
        id_map, segments = results.get('gt_seg_map'), results.get('segments_info')
        packed = super().transform({k: v for k, v in results.items() if k not in ('img', 'gt_seg_map')})
        if 'img' in results:
            packed['inputs'] = _channels_first(results['img'])
        if id_map is not None and segments is not None:
            _check_segments(results)
            self._pack_segments(packed['data_samples'], _channels_first(id_map), segments)
        return packed

    def _pack_segments(self, sample: SegDataSample, id_map: torch.Tensor, segments: list[dict]) -> None:
        sample.set_data(dict(gt_panoptic_seg=PixelData(data=id_map), gt_segments_info=segments))
        if self.with_semantic:
            sample.set_data(
                dict(gt_sem_seg=PixelData(data=_classes(id_map, segments, self.ignore_index)[None]))
            )


def _check_segments(results: dict) -> None:
    """Check for transforms that treated the id map as a label map, or replaced a part of the image."""
    source, number = results.get('img_path'), len(results['segments_info'])
    annotated, packed = results.get('annotated_shape'), results.get('ori_shape')
    if annotated is not None and packed is not None and tuple(annotated) != tuple(packed):
        raise ValueError(
            f'{source}: its segments were loaded for {annotated[1]}x{annotated[0]} pixels, but it was mixed '
            f'with other images into {packed[1]}x{packed[0]}, without their segments: put '
            'mmmaskformer.SegmentMosaic in the place of RandomMosaic.'
        )
    largest = results['gt_seg_map'].max(initial=0)
    if largest > number:
        cause = FILLED if largest == LABEL_MAP_FILL else CHANGED
        raise ValueError(
            f'{source}: the map of segment ids holds {largest}, but there are {number} segments: {cause}.'
        )


def _channels_first(array: np.ndarray) -> torch.Tensor:
    """``(H, W)`` or ``(H, W, C)`` to a contiguous tensor ``(C, H, W)``."""
    if min(array.strides) < 0:  # flipped
        array = np.ascontiguousarray(array)
    tensor = torch.from_numpy(array)
    return tensor[None].contiguous() if tensor.ndim == 2 else tensor.permute(2, 0, 1).contiguous()


def _classes(id_map: torch.Tensor, segments: list[dict], void: int) -> torch.Tensor:
    """Class of every pixel ``(H, W)``, or void; where objects overlap, that of the first layer."""
    classes = torch.full((len(segments) + 1,), void, dtype=torch.uint8 if void == 255 else torch.int32)
    for segment in segments:
        classes[segment['id']] = segment['category_id']
    nearest = id_map[0].long()
    for layer in id_map[1:]:
        nearest = torch.where(nearest > 0, nearest, layer.long())
    return classes[nearest]
