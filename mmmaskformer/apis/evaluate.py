"""Evaluation of a checkpoint: with test-time augmentation, or of images without ground truth."""

from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..evaluation.per_image_metric import PerImageMetric
from ..inference.config_files import evaluators_of, inner_configs, type_name
from ..registry import METRICS
from .checks import check_data, check_run
from .runner import build_runner, default_autocast, stop_workers

# Metrics of segments: test-time augmentation does not average the masks of queries.
SEGMENT_METRICS = {'PanopticQuality', 'InstanceAP', 'CocoPanopticMetric', 'CocoMetric'}
TTA_EXAMPLE = (
    "tta_pipeline = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=["
    "[dict(type='Resize', scale=(2048, edge), keep_ratio=True) for edge in (384, 512, 640)], "
    "[dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)], "
    "[dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])]"
)
# Metrics that can write predictions without ground truth.
FORMAT_ONLY_METRICS = {'PanopticQuality', 'InstanceAP'}


def evaluate_model(
    cfg: Config,
    checkpoint: str,
    out: str | None = None,
    show_dir: str | None = None,
    tta: bool = False,
    amp: str | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint on the test data.

    Args:
        cfg: A complete config; ``cfg.work_dir`` and ``cfg.launcher`` must be set.
        checkpoint: Path or URL.
        out: Folder for the predictions: label PNGs, or COCO's panoptic and instance files.
        show_dir: Folder for images with ground truth and predictions painted over them.
        tta: Average over the scales and flips of ``cfg.tta_pipeline``.
        amp: Automatic mixed precision, as in :func:`train_model`.

    Returns:
        The metrics.
    """
    check_data(cfg, ('test',))
    check_run(cfg, 'test', checkpoint)
    cfg.load_from = checkpoint
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[key] = None  # otherwise drawing results needs the training data
    if tta:
        use_augmentation(cfg)
    elif cfg.model.type == 'mmmaskformer.MaskFormer':  # metrics need no scores; the config may set it
        cfg.model.test_cfg = dict(dict(seg_logits=False), **(cfg.model.get('test_cfg') or {}))
    predict_only(cfg, writes=out is not None or show_dir is not None)
    _request_files(cfg, out, show_dir)
    if amp is not None:
        cfg.test_cfg.fp16 = True
    with nullcontext() if amp is None else default_autocast(amp):
        runner = build_runner(cfg)
        metrics = runner.test()
    stop_workers(runner)
    return metrics


def _request_files(cfg: Config, out: str | None, show_dir: str | None) -> None:
    """Set the metrics to write COCO's files, and the visualization hook to write label maps and overlays."""
    if out is None and show_dir is None:
        return
    evaluators = evaluators_of(cfg.get('test_evaluator'))
    submitting = [evaluator for evaluator in evaluators if _has_own_files(evaluator.type)]
    for evaluator in submitting:
        if out is not None:
            evaluator.outfile_prefix = osp.join(out, type_name(evaluator).lower())
    labels = out if len(submitting) < len(evaluators) or not evaluators else None
    hooks = cfg.setdefault('default_hooks', {})
    hooks['visualization'] = dict(type='mmmaskformer.ResultHook', out=labels, show_dir=show_dir)


def _has_own_files(metric: str | type) -> bool:
    """Whether a metric writes COCO's submission files."""
    cls = METRICS.get(metric) if isinstance(metric, str) else metric
    return isinstance(cls, type) and issubclass(cls, PerImageMetric)


def use_augmentation(cfg: Config) -> None:
    """Set a config to test with the average over the scales and flips of its ``tta_pipeline``.

    Semantic scores are averaged. Masks of queries are not: a query of one copy of an image need not be the
    same segment in another copy. Metrics of segments are therefore removed, with a warning.

    Raises:
        ValueError: The config has no ``tta_pipeline``, or only metrics of segments.
    """
    evaluators = evaluators_of(cfg.test_evaluator)
    names = [type_name(evaluator) for evaluator in evaluators]
    semantic = [evaluator for evaluator, name in zip(evaluators, names) if name not in SEGMENT_METRICS]
    removed = ', '.join(name for name in names if name in SEGMENT_METRICS)
    if not semantic:
        raise ValueError(
            f'--tta averages semantic scores, but test_evaluator has only metrics of segments ({removed}), '
            'and queries of different copies of an image are not the same segments, so their masks cannot be '
            'averaged: leave --tta out, or, where the ground truth has label maps, add '
            "dict(type='IoUMetric', iou_metrics=['mIoU']) to test_evaluator."
        )
    if not cfg.get('tta_pipeline'):
        raise ValueError(
            f'--tta needs the scales and flips in tta_pipeline, which the config lacks; for example '
            f'{TTA_EXAMPLE}'
        )
    if removed:
        print_log(
            f'--tta averages semantic scores only; removed from test_evaluator: {removed}.',
            'current',
            logging.WARNING,
        )
    cfg.test_evaluator = semantic
    for dataset in inner_configs(cfg.test_dataloader.dataset):
        dataset['pipeline'] = cfg.tta_pipeline
    is_maskformer = type_name(cfg.model) == 'MaskFormer'
    default = dict(type='mmmaskformer.MaskFormerTTAModel' if is_maskformer else 'SegTTAModel')
    cfg.model = dict(cfg.get('tta_model') or default, module=cfg.model)


def predict_only(cfg: Config, writes: bool) -> None:
    """Set a config to write predictions without computing metrics, if its test data have no ground truth.

    Args:
        cfg: A complete config.
        writes: Whether predictions are written.

    Raises:
        ValueError: There is no ground truth, and no predictions are written.
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
    writers = [
        metric for metric in evaluators_of(cfg.test_evaluator) if type_name(metric) in FORMAT_ONLY_METRICS
    ]
    for evaluator in writers:
        evaluator.update(format_only=True)
    cfg.test_evaluator = writers
    for dataset in datasets:
        dataset['data_prefix'].pop('seg_map_path', None)
        dataset['pipeline'] = _without_annotations(dataset.get('pipeline') or [])


def _is_unlabelled(dataset: Mapping) -> bool:
    """Whether a data set has neither a folder of label maps nor a JSON file with ground truth."""
    prefix = dataset.get('data_prefix')
    in_file = str(dataset.get('ann_file') or '').endswith('.json')
    return prefix is not None and 'img_path' in prefix and prefix.get('seg_map_path') is None and not in_file


def _without_annotations(transforms: Any) -> Any:
    """A pipeline without the transforms that load ground truth, also inside others."""
    if isinstance(transforms, Mapping):
        return {key: _without_annotations(value) for key, value in transforms.items()}
    if not isinstance(transforms, list):
        return transforms
    kept = [transform for transform in transforms if not _loads_annotations(transform)]
    return [part for part in map(_without_annotations, kept) if part != []]


def _loads_annotations(transform: Any) -> bool:
    name = type_name(transform) if isinstance(transform, Mapping) else ''
    return name.startswith('Load') and 'Annotation' in name
