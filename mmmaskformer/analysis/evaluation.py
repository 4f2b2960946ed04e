"""Evaluation with every score that is compared: PQ^St and IoU of the classes beside mIoU."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..apis.checks import check_data
from ..apis.console import ConsoleFilter, build_quiet_runner
from ..inference.config_files import evaluators_of, type_name
from .records import Scores, split_scores, write_scores
from .runs import Run

TRAINING_SETTINGS = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler')


def add_semantic_quality(evaluators: Any) -> list[dict]:
    """Evaluators that measure mIoU give PQ^St as well, and IoU of every class.

    Args:
        evaluators: Config of one metric or several.
    """
    configs = [dict(evaluator) for evaluator in evaluators_of(evaluators)]
    known = {type_name(config) for config in configs}
    for config in [config for config in configs if type_name(config) == 'IoUMetric']:
        config['type'] = 'mmmaskformer.ClassIoU'
        if 'SemanticPanopticQuality' not in known:
            ignore = config.get('ignore_index', 255)
            configs.append(dict(type='mmmaskformer.SemanticPanopticQuality', ignore_index=ignore))
            known.add('SemanticPanopticQuality')
    return configs


def evaluate_run(run: Run, folder: Path | None = None, tables: bool = False) -> Scores:
    """Evaluate a run's checkpoint on its test data, and leave the scores in ``<folder>/evaluation``.

    Args:
        run: With a checkpoint.
        folder: By default the run's work dir.
        tables: Print the tables of the classes.

    Raises:
        ValueError: There is no checkpoint, no metric that is known here, or no folder.
        FileNotFoundError: The data are not there.
    """
    checkpoint, folder = run.need_checkpoint(), folder or run.work_dir
    if folder is None:
        raise ValueError(f'{run.label} is not a work dir: say in which folder its evaluation is to be left')
    runner = _build_runner(run.config, checkpoint, folder / 'evaluation', tables)
    metrics: Mapping[str, Any] = runner.test()
    values, classes = split_scores(metrics)
    if not values:
        raise ValueError(f"{run.label}: the config's test_evaluator gives none of mIoU, PQ and AP: {metrics}")
    scores = Scores(values, 'test', classes)
    write_scores(folder / 'evaluation', scores, checkpoint)
    return scores


def _build_runner(config: Config, checkpoint: str, folder: Path, tables: bool) -> Runner:
    cfg = copy.deepcopy(config)
    check_data(cfg, ('test',))
    for key in TRAINING_SETTINGS:
        cfg[key] = None
    cfg.load_from, cfg.resume, cfg.work_dir, cfg.launcher = checkpoint, False, str(folder), 'none'
    cfg.test_evaluator = add_semantic_quality(cfg.test_evaluator)
    cfg.experiment_name = f'evaluation in {folder}'
    if cfg.get('default_hooks'):
        cfg.default_hooks.pop('visualization', None)
    console = ConsoleFilter()
    console.tables = tables
    return build_quiet_runner(cfg, console)
