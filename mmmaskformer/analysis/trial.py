"""One training of a contest: its config, and the file of scores that it leaves."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..apis.console import ConsoleFilter, build_quiet_runner, device_name
from ..checkpoints import safe_load
from ..engine.finite_loss_hook import NonFiniteLossError
from ..evaluation.class_iou import CLASS_PREFIX
from ..inference.config_files import find_config
from ..version import __version__
from .contest_configs import (
    classify_masks_alone,
    fade_home_queries,
    hold_out,
    keep_in_memory,
    merge_classes,
    scale_images,
)
from .contest_sets import CONTESTS
from .scores import add_semantic_quality, read_records
from .training_comparison import check_settings, set_budget

NUM_VALIDATIONS = 4
CLOCK_FILE = 'clock.json'


@dataclass(frozen=True)
class Trial:
    """A training with everything that tells it from the others of a contest.

    Attributes:
        data_set: One of `CONTESTS`.
        system: Name of a system of the set.
        seed: Of weights, order of the images and crops.
        iterations: Length of the training; the schedule fits it.
        batch: Images of an iteration.
        num_classes: Number of classes after merging; None where the set's classes are not merged.
        learning_rate: None takes that of the system's config.
        search: Serves the choice of a learning rate: every fifth training image is held out and validated.
    """

    data_set: str
    system: str
    seed: int
    iterations: int
    batch: int
    num_classes: int | None = None
    learning_rate: float | None = None
    search: bool = False

    @property
    def name(self) -> str:
        """Name of its files."""
        system = re.sub(r'[^a-z0-9]+', '_', self.system.lower().replace('+', ' plus'))
        data_set = self.data_set if self.num_classes is None else f'{self.data_set}-{self.num_classes}'
        rate = '' if self.learning_rate is None else f'_lr{self.learning_rate:g}'
        kind = 'search_' if self.search else ''
        return f'{kind}{data_set}_{system}_{self.iterations}i_b{self.batch}{rate}_seed{self.seed}'

    def config(self, data_root: Path, work_dir: Path) -> Config:
        """The system's config with the data, classes, budget, learning rate and seed of the training."""
        contest = CONTESTS[self.data_set]
        cfg = find_config(contest.systems[self.system])
        if self.num_classes is not None:
            merge_classes(cfg, self.num_classes)
            classify_masks_alone(cfg)
        scale_images(cfg, contest.scale)
        set_budget(cfg, self.iterations, NUM_VALIDATIONS)
        fade_home_queries(cfg, self.iterations)
        cfg.train_dataloader.batch_size = self.batch
        if self.learning_rate is not None:
            cfg.optim_wrapper.optimizer.lr = self.learning_rate
        for phase in ('train', 'val', 'test'):
            loader = cfg[f'{phase}_dataloader']
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.data_root = str(data_root)
        if self.search:
            hold_out(cfg)
        for phase in ('train', 'val'):
            keep_in_memory(cfg[f'{phase}_dataloader'].dataset)
        cfg.val_evaluator = add_semantic_quality(cfg.val_evaluator)
        cfg.default_hooks.pop('visualization', None)
        cfg.randomness = dict(seed=self.seed)
        cfg.work_dir, cfg.launcher, cfg.experiment_name = str(work_dir), 'none', self.name
        return cfg


class ClockHook(Hook):
    """Counts the time of a training over its interruptions, in ``clock.json`` of the work directory.

    Args:
        path: The file.
        interval: Iterations between entries; a training resumes at one of them.
    """

    priority = 'VERY_LOW'

    def __init__(self, path: Path, interval: int) -> None:
        self.path = path
        self.interval = interval
        self._entries: dict[int, list[float]] = {}
        self._before = [0.0, 0.0]

    def before_train(self, runner: Runner) -> None:
        """Start from the time at the iteration that the training resumes from."""
        if runner.iter and self.path.is_file():
            entries = {int(key): value for key, value in json.loads(self.path.read_text()).items()}
            self._entries = {key: value for key, value in entries.items() if key <= runner.iter}
            self._before = max(self._entries.items(), default=(0, [0.0, 0.0]))[1]
        self._start = self._now()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Write an entry."""
        if (runner.iter + 1) % self.interval == 0:
            self._entries[runner.iter + 1] = self.seconds()
            self.path.write_text(json.dumps(self._entries))

    def seconds(self) -> list[float]:
        """Seconds of the processors, and of the clock."""
        return [before + now - start for before, now, start in zip(self._before, self._now(), self._start)]

    @staticmethod
    def _now() -> list[float]:
        return [time.process_time(), time.perf_counter()]


def run_trial(trial: Trial, data_root: Path, results: Path, work_dirs: Path) -> None:
    """Train and write ``<results>/<name>.json``, unless it is there already.

    An interrupted training resumes from its last checkpoint. A finished one keeps its weights alone.

    Args:
        trial: The training.
        data_root: Folder of the data.
        results: Folder of the files with scores.
        work_dirs: Folder of the work directories.

    Raises:
        NonFiniteLossError: It diverged. A search has no scores then, and does not raise.
        ValueError: The work directory holds a training with other settings.
    """
    path, work_dir = results / f'{trial.name}.json', work_dirs / trial.name
    if path.is_file():
        return
    cfg = trial.config(data_root, work_dir)
    check_settings(cfg)
    cfg.resume = (work_dir / 'last_checkpoint').is_file()
    runner = build_quiet_runner(cfg, ConsoleFilter())
    clock = ClockHook(work_dir / CLOCK_FILE, cfg.default_hooks.checkpoint.interval)
    runner.register_hook(clock)
    records = _train(runner, trial)
    cpu, wall = (round(seconds / 60, 2) for seconds in clock.seconds())
    content = dict(
        **{**asdict(trial), 'learning_rate': cfg.optim_wrapper.optimizer.lr},
        crop_size=list(cfg.crop_size),
        scores={str(step): dict(_scores(record)) for step, record in sorted(records.items())},
        class_iou=_class_iou(records.get(trial.iterations, {})),
        cpu_minutes=cpu,
        minutes=wall,
        device=device_name(runner.model),
        version=__version__,
    )
    _write(path, content)
    _keep_weights(work_dir, trial.search)


def _train(runner: Runner, trial: Trial) -> dict[int, Mapping[str, Any]]:
    """Train, and return what the metrics returned by iteration."""
    try:
        runner.train()
    except NonFiniteLossError:
        if not trial.search:
            raise
        return {}
    records: dict[int, Mapping[str, Any]] = {
        record['step']: record for record in read_records(Path(runner.work_dir)) if 'mIoU' in record
    }
    if trial.iterations not in records:  # interrupted after the last checkpoint, before its validation
        records[trial.iterations] = runner.val_loop.run()
    return records


def _scores(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Scores of a validation in percent, without those of the classes."""
    for key, value in record.items():
        of_class = key.startswith(CLASS_PREFIX)
        if key not in ('step', 'iter', 'time', 'data_time') and not of_class and not math.isnan(value):
            yield key.rpartition('/')[2], round(float(value), 3)


def _class_iou(record: Mapping[str, Any]) -> dict[str, float | None]:
    values = {k.removeprefix(CLASS_PREFIX): v for k, v in record.items() if k.startswith(CLASS_PREFIX)}
    return {name: None if math.isnan(value) else round(value, 3) for name, value in values.items()}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    part.write_text(json.dumps(content, indent=1) + '\n')
    os.replace(part, path)


def _keep_weights(work_dir: Path, search: bool) -> None:
    """Replace the last checkpoint by its weights, ``weights.pth``, or by nothing."""
    pointer = work_dir / 'last_checkpoint'
    if not pointer.is_file():  # it diverged
        return
    checkpoint = work_dir / Path(pointer.read_text().strip()).name
    if not search:
        content = safe_load(checkpoint)
        torch.save({key: content[key] for key in ('meta', 'state_dict')}, work_dir / 'weights.pth')
    pointer.unlink()
    checkpoint.unlink()
