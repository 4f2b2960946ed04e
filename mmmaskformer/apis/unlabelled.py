"""Test data without ground truth: predictions are written, and nothing is evaluated."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..inference.config_files import evaluators_of, inner_configs, type_name

# Metrics that can write what is predicted without ground truth.
WRITERS = {'PanopticQuality', 'InstanceAP'}


def predict_alone(cfg: Config, writes: bool) -> None:
    """Where the test data have no ground truth, let the config write predictions and measure nothing.

    Args:
        cfg: A complete config.
        writes: Whether any predictions are to be written.

    Raises:
        ValueError: There is no ground truth, and nothing is to be written.
    """
    datasets = list(inner_configs(cfg.test_dataloader.get('dataset')))
    if not datasets or not all(map(_is_unlabelled, datasets)):
        return
    if not writes:
        raise ValueError(
            'The test data have no ground truth (test_dataloader.dataset.data_prefix has no seg_map_path), '
            'so there is nothing to evaluate: give it, or write the predictions with --out or --show-dir.'
        )
    print_log('The test data have no ground truth: nothing is evaluated.', 'current', logging.WARNING)
    writers = [one for one in evaluators_of(cfg.test_evaluator) if type_name(one) in WRITERS]
    for evaluator in writers:
        evaluator.update(format_only=True)
    cfg.test_evaluator = writers
    for dataset in datasets:
        dataset['data_prefix'].pop('seg_map_path', None)
        dataset['pipeline'] = _without_annotations(dataset.get('pipeline') or [])


def _is_unlabelled(dataset: Mapping) -> bool:
    """Whether a data set of folders names no folder of label maps; JSON files hold the ground truth."""
    prefix = dataset.get('data_prefix')
    in_file = str(dataset.get('ann_file') or '').endswith('.json')
    return prefix is not None and 'img_path' in prefix and prefix.get('seg_map_path') is None and not in_file


def _without_annotations(transforms: Any) -> Any:
    """A pipeline without the transforms that load ground truth, also inside others."""
    if isinstance(transforms, Mapping):
        return {key: _without_annotations(value) for key, value in transforms.items()}
    if not isinstance(transforms, list):
        return transforms
    kept = [one for one in transforms if not _loads_annotations(one)]
    return [part for part in map(_without_annotations, kept) if part != []]


def _loads_annotations(transform: Any) -> bool:
    name = type_name(transform) if isinstance(transform, Mapping) else ''
    return name.startswith('Load') and 'Annotation' in name
