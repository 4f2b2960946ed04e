"""Metrics of seven images that processes share in several ways."""

from __future__ import annotations

import random
from collections.abc import Sequence

from drawn_samples import META, draw_sample
from mmengine.dataset import DefaultSampler
from mmengine.dist import get_dist_info
from mmseg.evaluation import IoUMetric

from mmmaskformer.evaluation import ClassIoU, InstanceAP, PanopticQuality, SemanticPanopticQuality

NUM_IMAGES = 7  # for two or four processes: one image is repeated, or a process has fewer
BY_SAMPLER = 'as_sampled', 'as_sampled_without_repeats'
METRICS = ClassIoU, PanopticQuality, SemanticPanopticQuality, InstanceAP


def shares_of(rank: int, world: int) -> dict[str, Sequence[int]]:
    """The images that a process has."""
    numbers = range(NUM_IMAGES)
    drawn = random.Random(world).choices(range(world), k=NUM_IMAGES)
    mine = [number for number in numbers if drawn[number] == rank]
    return dict(
        as_sampled=list(DefaultSampler(numbers, shuffle=False)),
        as_sampled_without_repeats=list(DefaultSampler(numbers, shuffle=False, round_up=False)),
        shuffled=list(DefaultSampler(numbers, seed=3)),
        one_after_the_other=numbers[rank * NUM_IMAGES // world : (rank + 1) * NUM_IMAGES // world],
        drawn_and_repeated=[*mine, *mine[:1], 0, 5],
        all_in_the_last=numbers if rank == world - 1 else [],
    )


def metrics_of_shares(rank: int = 0, world: int = 1) -> dict[str, dict[str, dict]]:
    """What each metric says of each way to share, in this process."""
    assert (rank, world) == get_dist_info()
    results = {}
    for name, numbers in shares_of(rank, world).items():
        kinds = (*METRICS, IoUMetric) if name in BY_SAMPLER else METRICS
        results[name] = {kind.__name__: evaluate_kind(kind, numbers) for kind in kinds}
    return results


def evaluate_kind(kind: type, numbers: Sequence[int]) -> dict:
    """As an evaluator does, which knows the size of the data set."""
    metric = kind()
    metric.dataset_meta = META
    for number in numbers:
        metric.process({}, [draw_sample(number).to_dict()])
    return metric.evaluate(NUM_IMAGES)
