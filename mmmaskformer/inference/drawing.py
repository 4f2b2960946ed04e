"""Draw results over their images, and fill them from data samples: what needs PyTorch or OpenMMLab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mmcv
import numpy as np
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray

from ..datasets.transforms.image_loading import read_image
from ..visualization import paint_instances, paint_panoptic, paint_semantic
from ..visualization.colors import to_rgb
from ..visualization.sheets import add_title, arrange

if TYPE_CHECKING:
    from ..runtime.results import SegmentationResult


def draw_result(
    result: SegmentationResult,
    image: NDArray[Any] | None = None,
    score_thr: float = 0.5,
    alpha: float = 0.6,
    with_labels: bool = True,
) -> NDArray[Any]:
    """See `SegmentationResult.draw`."""
    background = _background(result, image)
    style: dict[str, Any] = dict(
        classes=result.categories.names, palette=result.categories.palette, alpha=alpha
    )
    style['with_labels'] = with_labels
    panels = {}
    if result.panoptic is not None and result.segments is not None:
        info = [vars(segment) for segment in result.segments]
        panels['panoptic'] = paint_panoptic(background, result.panoptic, info, **style)
    if result.instances is not None:
        shown = result.instances.above(score_thr)
        panels['instances'] = paint_instances(
            background, shown.labels, shown.masks, scores=shown.scores, **style
        )
    if result.semantic is not None:
        panels['semantic'] = paint_semantic(background, result.semantic, **style)
    drawn = next(iter(panels.values()), background)
    if len(panels) > 1:
        drawn = arrange([add_title(panel, title) for title, panel in panels.items()])
    return mmcv.rgb2bgr(drawn)


def _background(result: SegmentationResult, image: NDArray[Any] | None) -> NDArray[Any]:
    """The image to draw on, RGB."""
    is_rgb = result.is_rgb and image is None
    image = result.image if image is None else image
    if image is None and result.path is not None and result.input_image.frame is None:
        image = result.read(result.input_image) if result.read else read_image(result.path)
    if image is None:
        raise ValueError(f'The image of {result.input_image} was not stored: give it to draw(image).')
    if image.shape[:2] != tuple(result.size):
        raise ValueError(
            f'The image given to draw is {image.shape[1]}x{image.shape[0]} pixels, but the result of '
            f'{result.input_image} {result.size[1]}x{result.size[0]}.'
        )
    return to_rgb(image, is_rgb)


def take_sample(
    result: SegmentationResult, sample: BaseDataElement, with_scores: bool = False
) -> SegmentationResult:
    """See `SegmentationResult.take`."""
    if 'pred_sem_seg' in sample:
        labels = sample.pred_sem_seg.data[0]
        result.set_semantic(_on_host(labels, max(len(result.categories.names) - 1, int(labels.max()))))
        if with_scores:
            result.set_scores(sample.seg_logits.data.float().cpu().numpy())
    if 'pred_panoptic_seg' in sample:
        info = sample.pred_segments_info
        result.set_panoptic(_on_host(sample.pred_panoptic_seg.data[0], len(info)), info)
    if 'pred_instances' in sample:
        objects = sample.pred_instances.cpu().numpy()
        result.set_instances(zip(objects.labels.tolist(), objects.scores.tolist(), objects.masks))
    return result


def _on_host(numbers: Any, largest: int) -> NDArray[Any]:
    """A map of small numbers on the host, copied in one byte each where that holds them."""
    if largest < 256:
        return numbers.byte().cpu().numpy()
    return numbers.cpu().numpy().astype(np.uint16)
