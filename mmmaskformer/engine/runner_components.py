"""Components of a runner that hooks need: segmentor inside wrappers, heads, metrics, samples of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmseg.structures import SegDataSample
from torch import nn


def segmentor_of(model: Any) -> Any:
    """The segmentor inside ``DistributedDataParallel`` and test-time augmentation."""
    while not hasattr(model, 'decode_head') and hasattr(model, 'module'):
        model = model.module
    return model


def heads_of(model: Any) -> Iterator[tuple[str, Any]]:
    """The heads that classify, the decode head first, by the names of their settings."""
    segmentor = segmentor_of(model)
    for name in ('decode_head', 'auxiliary_head'):
        head = getattr(segmentor, name, None)
        for part in head if isinstance(head, nn.ModuleList) else [head]:
            if hasattr(part, 'num_classes'):
                yield name, part


def metrics_of(loop: Any) -> list[Any]:
    """The metrics of a validation or test loop; none for other loops, and for None."""
    return list(getattr(getattr(loop, 'evaluator', None), 'metrics', ()))


def samples_of(batch: Any) -> Iterator[SegDataSample]:
    """The data samples of a batch; with test-time augmentation, one for each copy of an image."""
    yield from _flatten(batch.get('data_samples') if isinstance(batch, Mapping) else None)


def _flatten(samples: Any) -> Iterator[SegDataSample]:
    for sample in samples or ():
        if isinstance(sample, Sequence):
            yield from _flatten(sample)
        else:
            yield sample
