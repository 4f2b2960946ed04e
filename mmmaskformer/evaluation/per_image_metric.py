"""Base of the metrics: every image counts once, however a data loader split and padded the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from mmengine.dist import (
    all_gather_object,
    broadcast_object_list,
    collect_results,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log


class EachImageOnce(BaseMetric):
    """Keeps ``(key of the image, what was found)`` of each image in ``results``.

    A sampler may give the images in any split, and may repeat some to give every process as many: an image
    that this process or one of lower rank has already is dropped. Processes must agree on the keys.
    """

    default_prefix = ''  # the names stand for themselves

    def evaluate(self, size: int) -> dict:
        """Combine the images of all processes; all of them get the results.

        Args:
            size: Images in the data set.
        """
        combined = self.combine(self._counted_once())
        self.results.clear()
        found = [self._evaluate(combined) if is_main_process() else None]
        broadcast_object_list(found)
        return found[0] or {}

    def combine(self, results: list) -> Any:
        """What the main process needs to know of the results of all; called in every process.

        Args:
            results: What this process found, one entry for each image.
        """
        raise NotImplementedError

    def gather(self, results: list) -> list | None:
        """The results of all processes in the main one, by rank; None in the others."""
        parts = collect_results([results], get_world_size(), self.collect_device, self.collect_dir)
        return None if parts is None else [result for part in parts for result in part]

    def _evaluate(self, combined: Any) -> dict:
        metrics = self.compute_metrics(combined)
        return {f'{self.prefix}/{name}' if self.prefix else name: value for name, value in metrics.items()}

    def _counted_once(self) -> list:
        """The results of the images that count here."""
        keys = [key for key, _ in self.results]
        everywhere = all_gather_object(keys)
        if not any(everywhere):
            print_log(f'{type(self).__name__} was given no image', logger='current', level=logging.WARNING)
        seen = {key for part in everywhere[: get_rank()] for key in part}
        kept = []
        for key, result in self.results:
            if key not in seen:
                kept.append(result)
            seen.add(key)
        return kept


class PerImageMetric(EachImageOnce):
    """Writes submission files too, or alone.

    Args:
        outfile_prefix: Where to write submission files: path and beginning of their names. None writes none.
        format_only: Write the files alone, without a look at the ground truth.
        collect_device: ``'cpu'`` or ``'gpu'``, as in MMEngine's `BaseMetric`.
        prefix: Goes before the names of the results, with a slash.
        collect_dir: As in MMEngine's `BaseMetric`.

    Attributes:
        name_of: Gives the file of an image a name for outputs, without suffix; None stands for its own name
            without its folder. `ResultHook` sets it.

    Raises:
        ValueError: ``format_only`` without ``outfile_prefix``.
    """

    def __init__(
        self,
        outfile_prefix: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if format_only and not outfile_prefix:
            raise ValueError(
                f'{type(self).__name__}: format_only=True writes files alone, but outfile_prefix, which says '
                'where, is not set'
            )
        self.outfile_prefix = outfile_prefix
        self.name_of: Callable[[str], str] | None = None
        self.format_only = format_only


def image_key(sample: Mapping) -> tuple[Hashable, ...]:
    """What tells an image from others: its id and path.

    Raises:
        ValueError: The sample says neither.
    """
    key = sample.get('img_id'), sample.get('img_path')
    if key == (None, None):
        raise ValueError(
            'a sample has neither img_id nor img_path, so images that a sampler repeats cannot be told: add '
            "one of them to the pipeline's meta_keys"
        )
    return key


def image_name(sample: Mapping) -> str:
    """How messages call an image."""
    return str(sample.get('img_path') or f'image {sample.get("img_id")}')


def meta_field(dataset_meta: Mapping | None, field: str, metric: object) -> Sequence:
    """A field of the data set's metainfo.

    Raises:
        ValueError: It is not there.
    """
    value = (dataset_meta or {}).get(field)
    if value is None:
        raise ValueError(
            f"{type(metric).__name__} needs {field!r} in the data set's metainfo, which has "
            f'{sorted(dataset_meta or {})}: use one of the panoptic or instance data sets, or add it'
        )
    return value
