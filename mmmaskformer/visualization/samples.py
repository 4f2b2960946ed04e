"""Data samples: their predictions and ground truth as NumPy arrays, and drawn on one sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from mmengine.structures import BaseDataElement

from .colors import to_rgb
from .painting import paint_instances, paint_panoptic, paint_semantic
from .sheets import add_title, arrange

SEGMENT_FIELDS = ('gt_panoptic_seg', 'pred_panoptic_seg', 'gt_instances', 'pred_instances')
SMALL_SIDE = 384


class IdMap(NamedTuple):
    """Segments as an id map ``ids``, (H, W) or (L, H, W), with the ``segments_info`` of each id."""

    ids: np.ndarray
    segments_info: list[dict[str, Any]]


class Instances(NamedTuple):
    """Instances: ``labels`` (N,), ``masks`` (N, H, W) bool, ``scores`` (N,), or None for a ground truth."""

    labels: np.ndarray
    masks: np.ndarray
    scores: np.ndarray | None


def has_segments(sample: BaseDataElement) -> bool:
    """Whether a sample holds panoptic or instance segments, as ground truth or prediction."""
    return any(field in sample for field in SEGMENT_FIELDS)


def read_panoptic(sample: BaseDataElement, prefix: str) -> IdMap | None:
    """The segments under ``gt`` or ``pred``, if there are any."""
    if f'{prefix}_panoptic_seg' not in sample:
        return None
    ids = to_numpy(sample.get(f'{prefix}_panoptic_seg').data)
    return IdMap(ids, sample.get(f'{prefix}_segments_info', []))


def read_instances(sample: BaseDataElement, prefix: str, score_thr: float) -> Instances | None:
    """The instances under ``gt`` or ``pred``, if any; predicted ones from this score on."""
    if f'{prefix}_instances' not in sample:
        return None
    instances = sample.get(f'{prefix}_instances')
    labels, masks = to_numpy(instances.labels), to_numpy(instances.masks)
    if 'scores' not in instances:
        return Instances(labels, masks, None)
    scores = to_numpy(instances.scores)
    kept = scores >= score_thr
    return Instances(labels[kept], masks[kept], scores[kept])


def read_semantic(sample: BaseDataElement, prefix: str) -> np.ndarray | None:
    """The label map (H, W) under ``gt`` or ``pred``, if there is one."""
    if f'{prefix}_sem_seg' not in sample:
        return None
    return to_numpy(sample.get(f'{prefix}_sem_seg').data)[0]


def to_numpy(array: Any) -> np.ndarray:
    """A tensor on any device, or an array, as an array."""
    return array.detach().cpu().numpy() if hasattr(array, 'detach') else np.asarray(array)


class SheetStyle(NamedTuple):
    """How a sample is drawn.

    Attributes:
        meta: ``classes`` and ``palette`` of the data set.
        alpha: Opacity of the classes' colors, from 0 to 1.
        score_thr: Predicted instances with lower scores are not drawn.
        with_labels: Write the names of the classes.
        draw_gt: Draw the ground truth.
        draw_pred: Draw the predictions.
    """

    meta: Mapping[str, Any]
    alpha: float = 0.6
    score_thr: float = 0.5
    with_labels: bool = True
    draw_gt: bool = True
    draw_pred: bool = True

    def paint(self) -> dict[str, Any]:
        """The arguments of the functions that paint."""
        classes, palette = self.meta['classes'], self.meta.get('palette')
        return dict(classes=classes, palette=palette, alpha=self.alpha, with_labels=self.with_labels)


def draw_sample(image: np.ndarray, sample: BaseDataElement | None, style: SheetStyle) -> np.ndarray:
    """Draw a sample over its image.

    A sample with panoptic or instance segments has a titled panel for each kind of ground truth and
    prediction, enlarged if it is small. One with label maps only has ground truth and prediction side by
    side, in the size of the image; one without any is the image.

    Args:
        image: RGB, or any image that `to_rgb` takes, of the size of the sample's maps.
        sample: A data sample.
        style: What to draw, and how.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: The sample does not fit the image or the classes.
    """
    image = to_rgb(image)
    if sample is None:
        return image
    parts = [('gt', 'ground truth')] * style.draw_gt + [('pred', 'prediction')] * style.draw_pred
    if has_segments(sample):
        panels = [panel for prefix, title in parts for panel in _panels(image, sample, prefix, title, style)]
        return arrange(panels or [add_title(image, 'image')])
    maps = [read_semantic(sample, prefix) for prefix, _ in parts]
    painted = [paint_semantic(image, labels, **style.paint()) for labels in maps if labels is not None]
    return np.concatenate(painted or [image], axis=1)


def _panels(
    image: np.ndarray, sample: BaseDataElement, prefix: str, title: str, style: SheetStyle
) -> list[np.ndarray]:
    """Panels of the ``gt`` or ``pred`` of a sample: panoptic, instances, semantic, in this order."""
    paint = dict(style.paint(), scale=max(1, -(-SMALL_SIDE // max(image.shape[:2]))))
    panels = []
    panoptic = read_panoptic(sample, prefix)
    if panoptic is not None:
        panels.append(add_title(paint_panoptic(image, *panoptic, **paint), f'{title}: panoptic'))
    instances = read_instances(sample, prefix, style.score_thr)
    if instances is not None:
        painted = paint_instances(image, **instances._asdict(), **paint)
        panels.append(add_title(painted, f'{title}: instances'))
    semantic = read_semantic(sample, prefix)
    if semantic is not None:
        panels.append(add_title(paint_semantic(image, semantic, **paint), f'{title}: semantic'))
    return panels
