"""What there is to draw in a data sample, as NumPy arrays."""

from typing import Any, NamedTuple

import numpy as np
from mmengine.structures import BaseDataElement

SEGMENT_FIELDS = ('gt_panoptic_seg', 'pred_panoptic_seg', 'gt_instances', 'pred_instances')


class IdMap(NamedTuple):
    """Segments as an id map ``ids``, (H, W) or (L, H, W), with what ``segments_info`` says of each id."""

    ids: np.ndarray
    segments_info: list[dict[str, Any]]


class Instances(NamedTuple):
    """Instances: ``labels`` (N,), ``masks`` (N, H, W) bool, ``scores`` (N,), or None for a ground truth."""

    labels: np.ndarray
    masks: np.ndarray
    scores: np.ndarray | None


def has_segments(sample: BaseDataElement) -> bool:
    """Whether a sample holds panoptic or instance segments, be they true or predicted."""
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
    """Of a tensor on any device, or an array."""
    return array.detach().cpu().numpy() if hasattr(array, 'detach') else np.asarray(array)
