"""Class weights that depend on the training data: given by class name, or by class frequency."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log
from torch import nn

from mmmaskformer.datasets.class_contents import class_counts
from mmmaskformer.models.losses import ClassWeights, find_class_weights
from mmmaskformer.utils import shown


def resolve_class_weights(model: nn.Module, dataset: Any, names: Sequence[str]) -> None:
    """Set the weights of all losses of a model that are given by name or come from the training data.

    The first process counts and broadcasts the result.

    Args:
        model: The model, wrapped or not.
        dataset: The training data, wrapped or not.
        names: Of the classes.

    Raises:
        ValueError: A name is not one of a class, or the frequencies of the classes are not known.
    """
    losses = find_class_weights(model)
    for weights in losses:
        weights.set_names(names)
    for of_pixels in (False, True):
        members = [weights for weights in losses if weights.from_data and weights.counts_pixels is of_pixels]
        if members:
            _set_from_frequencies(members, dataset, names, of_pixels)


def _set_from_frequencies(
    members: Sequence[ClassWeights], dataset: Any, names: Sequence[str], of_pixels: bool
) -> None:
    shared = [class_counts(dataset, len(names), of_pixels).tolist() if is_main_process() else None]
    broadcast_object_list(shared)
    (counts,) = shared
    assert counts is not None
    for weights in members:
        values = weights.set_frequencies(counts)
    kind = 'pixels' if of_pixels else 'segments'
    values_and_counts = ', '.join(
        f'{name} {value:.3g} ({count})' for name, value, count in zip(names, values, counts)
    )
    print_log(
        f'class_weight=inverse_sqrt (number of {kind} in the training data): {values_and_counts}', 'current'
    )
    absent = [name for name, count in zip(names, counts) if count == 0]
    if absent:
        print_log(
            f'class_weight=inverse_sqrt: {len(absent)} of {len(names)} classes never occur in the training '
            f'data and weigh 1: {shown(absent, 10)}.',
            'current',
            logging.WARNING,
        )
