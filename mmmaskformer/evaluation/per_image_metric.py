"""Base classes of the metrics: every image counts once, for any sampler and number of processes."""

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
    """Base of metrics whose ``results`` are pairs of an image's key and its result.

    A sampler may distribute images to processes in any way, and may repeat images so that every process has
    the same number. An image that this process or one of lower rank has already counted is dropped. Keys
    must be the same in all processes.
    """

    default_prefix = ''

    def evaluate(self, size: int) -> dict:
        """Combine the images of all processes, and return the results in each of them.

        Args:
            size: Images in the data set.
        """
        combined = self.combine(self._counted_once())
        self.results.clear()
        metrics = [self._evaluate(combined) if is_main_process() else None]
        broadcast_object_list(metrics)
        return metrics[0] or {}

    def combine(self, results: list) -> Any:
        """Combine the results of all processes for the main one; called in every process.

        Args:
            results: Results of this process, one for each image.
        """
        raise NotImplementedError

    def gather(self, results: list) -> list | None:
        """The results of all processes in the main process, by rank; None in other processes."""
        parts = collect_results([results], get_world_size(), self.collect_device, self.collect_dir)
        return None if parts is None else [result for part in parts for result in part]

    def _evaluate(self, combined: Any) -> dict:
        metrics = self.compute_metrics(combined)
        return {f'{self.prefix}/{name}' if self.prefix else name: value for name, value in metrics.items()}

    def _counted_once(self) -> list:
        """The results of the images that count here."""
        keys = [key for key, _ in self.results]
        keys_by_rank = all_gather_object(keys)
        if not any(keys_by_rank):
            print_log(f'{type(self).__name__} got no images', logger='current', level=logging.WARNING)
        seen = {key for part in keys_by_rank[: get_rank()] for key in part}
        kept = []
        for key, result in self.results:
            if key not in seen:
                kept.append(result)
            seen.add(key)
        return kept


class PerImageMetric(EachImageOnce):
    """Base of metrics that can write submission files, with or without evaluation.

    Args:
        outfile_prefix: Folder and first part of the names of submission files; None writes none.
        format_only: Only write the files; ground truth is not needed.
        collect_device: ``'cpu'`` or ``'gpu'``, as in MMEngine's `BaseMetric`.
        prefix: Prefix of the names of the results, followed by a slash.
        collect_dir: As in MMEngine's `BaseMetric`.

    Attributes:
        name_of: Returns the name of the outputs of an image file, without suffix; None takes the name of the
            image file. `ResultHook` sets it.

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
                f'{type(self).__name__}: format_only=True only writes files, but outfile_prefix is not set: '
                'set it to their folder and prefix'
            )
        self.outfile_prefix = outfile_prefix
        self.name_of: Callable[[str], str] | None = None
        self.format_only = format_only


def image_key(sample: Mapping) -> tuple[Hashable, ...]:
    """Identity of an image: its id and path.

    Raises:
        ValueError: The sample has neither.
    """
    key = sample.get('img_id'), sample.get('img_path')
    if key == (None, None):
        raise ValueError(
            'a sample has neither img_id nor img_path, so repeated images cannot be recognized: add '
            "one of them to the pipeline's meta_keys"
        )
    return key


def image_name(sample: Mapping) -> str:
    """Name of an image in messages."""
    return str(sample.get('img_path') or f'image {sample.get("img_id")}')


def meta_field(dataset_meta: Mapping | None, field: str, metric: object) -> Sequence:
    """A field of the data set's metainfo.

    Raises:
        ValueError: The metainfo lacks the field.
    """
    value = (dataset_meta or {}).get(field)
    if value is None:
        raise ValueError(
            f"{type(metric).__name__} needs {field!r} in the data set's metainfo, which has "
            f'{sorted(dataset_meta or {})}: use a panoptic or instance data set, or add the field'
        )
    return value
