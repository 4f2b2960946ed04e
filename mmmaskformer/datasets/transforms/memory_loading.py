"""Decoded images and annotations kept in memory: each file is read once in a training."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from mmmaskformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class KeepInMemory(BaseTransform):
    """Runs transforms once for each sample and keeps their results, for sets that fit into memory.

    It stands at the beginning of a pipeline, around transforms without randomness: the loaders, and perhaps
    a resize to one size. Each worker process of a data loader keeps its own results; ``num_workers=0`` keeps
    them once::

        dict(type='mmmaskformer.KeepInMemory', transforms=[
            dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadAnnotations')])

    Args:
        transforms: Configs of the transforms.
    """

    def __init__(self, transforms: Sequence[dict]) -> None:
        self.transforms = Compose(list(transforms))
        self._kept: dict[tuple[Any, Any], dict | None] = {}

    def transform(self, results: dict) -> dict | None:
        """A copy of the results for this image and annotation."""
        key = results['img_path'], results.get('seg_map_path')
        if key not in self._kept:
            self._kept[key] = self.transforms(results)
        return copy.deepcopy(self._kept[key])
