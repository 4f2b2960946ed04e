"""Metrics of images that two and four processes share, against one process that has them all."""

from __future__ import annotations

import pytest
from mmseg.evaluation import IoUMetric
from shared_metrics import BY_SAMPLER, METRICS, NUM_IMAGES, evaluate_kind, shares_of

ALONE: dict[type, str] = {}


def alone(kind: type) -> str:
    if kind not in ALONE:
        ALONE[kind] = repr(evaluate_kind(kind, range(NUM_IMAGES)))
    return ALONE[kind]


@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('kind', METRICS)
@pytest.mark.parametrize('split', shares_of(0, 1))
def test_any_split(ranks, split, kind, world):
    """Equal to the last digit, in every process; texts, since nan is not equal to itself."""
    for rank in ranks[world]:
        assert repr(rank['metrics'][split][kind.__name__]) == alone(kind)


@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('split', BY_SAMPLER)
def test_metric_of_mmseg_with_the_sampler_it_counts_on(ranks, split, world):
    for rank in ranks[world]:
        assert repr(rank['metrics'][split]['IoUMetric']) == alone(IoUMetric)
