"""Test-time augmentation of a config."""

from __future__ import annotations

import logging

from mmengine.config import Config
from mmengine.logging import print_log

from ..inference.config_files import evaluators_of, inner_configs, type_name

# Metrics of segments, whose masks are not averaged.
OF_SEGMENTS = {'PanopticQuality', 'InstanceAP', 'CocoPanopticMetric', 'CocoMetric'}
EXAMPLE = (
    "tta_pipeline = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=["
    "[dict(type='Resize', scale=(2048, edge), keep_ratio=True) for edge in (384, 512, 640)], "
    "[dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)], "
    "[dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])]"
)


def use_augmentation(cfg: Config) -> None:
    """Let a config test the average of the scales and flips of its ``tta_pipeline``.

    Semantic scores are averaged. Masks of queries are not: a query of one copy of an image need not be the
    same segment in another copy. So metrics of segments are left out, with a line in the log.

    Raises:
        ValueError: The config has no ``tta_pipeline``, or measures segments alone.
    """
    evaluators = evaluators_of(cfg.test_evaluator)
    names = [type_name(evaluator) for evaluator in evaluators]
    semantic = [one for one, name in zip(evaluators, names) if name not in OF_SEGMENTS]
    left_out = ', '.join(name for name in names if name in OF_SEGMENTS)
    if not semantic:
        raise ValueError(
            f'--tta averages semantic scores, but test_evaluator measures segments alone ({left_out}), and '
            'queries of different copies of an image are not the same segments, so their masks cannot be '
            'averaged: leave --tta out, or, where the ground truth has label maps, add '
            "dict(type='IoUMetric', iou_metrics=['mIoU']) to test_evaluator."
        )
    if not cfg.get('tta_pipeline'):
        raise ValueError(
            f'--tta needs the scales and flips in tta_pipeline, which the config lacks; for example {EXAMPLE}'
        )
    if left_out:
        print_log(
            f'--tta averages semantic scores alone; not measured: {left_out}.', 'current', logging.WARNING
        )
    cfg.test_evaluator = semantic
    for dataset in inner_configs(cfg.test_dataloader.dataset):
        dataset['pipeline'] = cfg.tta_pipeline
    ours = type_name(cfg.model) == 'MaskFormer'
    default = dict(type='mmmaskformer.MaskFormerTTAModel' if ours else 'SegTTAModel')
    cfg.model = dict(cfg.get('tta_model') or default, module=cfg.model)
