"""Scores of a run: those that its work dir holds, and those of a new evaluation of its checkpoint."""

from __future__ import annotations

import copy
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.runner import Runner

from ..apis.checks import check_data
from ..apis.console import ConsoleFilter, build_quiet_runner
from ..evaluation.class_iou import CLASS_PREFIX
from ..inference.config_files import evaluators_of, type_name
from ..visualization import read_records
from .runs import Run

# Scores that are compared, as metrics call them, and their titles.
TITLES = {'mIoU': 'mIoU', 'PQ': 'PQ', 'PQ_sem': 'PQ^St', 'AP': 'AP'}
SCORES_FILE = 'scores.json'
TRAINING_SETTINGS = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler')


class Scores(NamedTuple):
    """Scores of a model.

    Attributes:
        values: Percent by the metric's name.
        source: ``'test'`` or ``'validation'``, the data they are of.
        class_iou: Percent of each class by its name; None where it does not occur. Empty if not known.
    """

    values: dict[str, float]
    source: str
    class_iou: dict[str, float | None]


def last_scores(work_dir: Path, checkpoint: str | None = None) -> Scores | None:
    """The last scores of a run: from scores.json of an evaluation, from its last test, or from validation.

    Args:
        work_dir: Folder of the run.
        checkpoint: An evaluation counts only if it is of this file and newer than it.
    """
    evaluated = read_scores(work_dir, checkpoint)
    if evaluated is not None:
        return evaluated
    for path in sorted(work_dir.glob('*/*.json'), reverse=True):
        if path.stem == path.parent.name:  # MMEngine's file of a test
            values, classes = split_scores(json.loads(path.read_text()))
            if values:
                return Scores(values, 'test', classes)
    try:
        records = read_records(work_dir)
    except FileNotFoundError:
        return None
    for record in reversed(records):
        values, classes = split_scores(record)
        if values:
            return Scores(values, 'validation', classes)
    return None


def training_seconds(work_dir: Path) -> float | None:
    """Median time of an iteration as the run has logged it."""
    try:
        records = read_records(work_dir)
    except FileNotFoundError:
        return None
    times = [record['time'] for record in records if 'time' in record and 'loss' in record]
    return statistics.median(times) if times else None


def split_scores(metrics: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float | None]]:
    """The scores that are compared, and the IoU of the classes, from all values of the metrics."""
    values = {name: metrics[key] for key in metrics for name in TITLES if key.split('/')[-1] == name}
    of_classes = [key for key in metrics if key.startswith(CLASS_PREFIX)]
    classes = {key.removeprefix(CLASS_PREFIX): _or_none(metrics[key]) for key in of_classes}
    return {name: float(value) for name, value in values.items()}, classes


def _or_none(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def write_scores(folder: Path, scores: Scores, checkpoint: str) -> None:
    """Write scores where `read_scores` finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({'checkpoint': Path(checkpoint).name, **scores._asdict()}, indent=1)
    (folder / SCORES_FILE).write_text(text + '\n')


def read_scores(work_dir: Path, checkpoint: str | None = None) -> Scores | None:
    """Scores that `write_scores` wrote, unless they are of another checkpoint or older than it."""
    path = work_dir / 'evaluation' / SCORES_FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    if checkpoint is not None:
        file = Path(checkpoint)
        newer = file.is_file() and file.stat().st_mtime > path.stat().st_mtime
        if newer or content['checkpoint'] != file.name:
            return None
    return Scores(content['values'], content['source'], content['class_iou'])


def mean_scores(scores: Sequence[Scores]) -> dict[str, tuple[float, float | None]]:
    """Mean of each score over runs that all have it, and standard deviation where there are several runs."""
    common = [name for name in scores[0].values if all(name in score.values for score in scores)]
    columns = {name: [score.values[name] for score in scores] for name in common}
    return {
        name: (statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)
        for name, values in columns.items()
    }


def add_semantic_quality(evaluators: Any) -> list[dict]:
    """Evaluators that measure mIoU give PQ^St as well, and IoU of every class.

    Args:
        evaluators: Config of one metric or several.
    """
    configs = [dict(evaluator) for evaluator in evaluators_of(evaluators)]
    types = {type_name(config) for config in configs}
    for config in [config for config in configs if type_name(config) == 'IoUMetric']:
        config['type'] = 'mmmaskformer.ClassIoU'
        if 'SemanticPanopticQuality' not in types:
            ignore = config.get('ignore_index', 255)
            configs.append(dict(type='mmmaskformer.SemanticPanopticQuality', ignore_index=ignore))
            types.add('SemanticPanopticQuality')
    return configs


def evaluate_run(run: Run, folder: Path | None = None, tables: bool = False) -> Scores:
    """Evaluate a run's checkpoint on its test data, and write the scores to ``<folder>/evaluation``.

    Args:
        run: With a checkpoint.
        folder: By default the run's work dir.
        tables: Print the tables of the classes.

    Raises:
        ValueError: There is no checkpoint, no metric that is known here, or no folder.
        FileNotFoundError: The data are missing.
    """
    checkpoint, folder = run.need_checkpoint(), folder or run.work_dir
    if folder is None:
        raise ValueError(f'{run.label} is not a work dir: give a folder for its evaluation')
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
