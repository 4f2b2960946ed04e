"""From a folder to a trained model: config, training, score, figure."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner

from ..apis.command_line import load_config, merge_options
from ..apis.console import ConsoleFilter, announce, summary
from ..apis.console import minutes as in_minutes
from ..apis.trackers import add_tracker
from ..apis.train import train_model
from ..datasets.folders import look_at
from ..datasets.survey_report import counted
from ..engine.runner_components import segmentor_of
from ..inference.config_files import read_config
from .config_text import describe
from .figure import draw_predictions
from .new_config import summary_of_plan, write_config
from .trained_model import TrainedModel, load

WHOLE = 'whole_config.py'
"""The config without bases, beside the short one."""


@dataclass(frozen=True)
class Training:
    """What a training left.

    Attributes:
        work_dir: Its folder.
        config: The config that was written.
        checkpoint: The best checkpoint, or the last one.
        scores: Scores of the best validation.
        figure: PNG of validation images with ground truth and prediction; None if nothing was validated.
    """

    work_dir: Path
    config: Path
    checkpoint: Path
    scores: dict[str, float] = field(default_factory=dict)
    figure: Path | None = None

    def load(self, **options: Any) -> TrainedModel:
        """The trained model; ``options`` as `MaskFormerInferencer`."""
        return load(self.checkpoint, **options)


def train(
    data: str | Path,
    model: str | None = None,
    out: str | Path | None = None,
    minutes: float | None = None,
    *,
    task: str | None = None,
    weights: str | None = None,
    amp: str | None = None,
    tracker: str | None = None,
    settings: Mapping[str, Any] | None = None,
    log: bool = False,
) -> Training:
    """Train a model on a folder of annotated images.

    Args:
        data: The folder, in any format of docs/own_data.md.
        model: Name of a model, such as ``'efficientnet-lite0'`` or ``'swin-t'``.
        out: Folder for config, logs, checkpoints and figure, which must be new or empty; by default
            ``work_dirs/NAME``, with a number behind it if that exists.
        minutes: Time for training and validation; by default the number of images sets the iterations.
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``; by default what the annotations allow.
        weights: File of weights to start from, of the backbone or of a whole model.
        amp: Mixed precision, as in :func:`mmmaskformer.apis.train_model`.
        tracker: ``'tensorboard'``, ``'wandb'`` or ``'mlflow'``.
        settings: Settings that override the config: ``{'train_dataloader.batch_size': 2}``.
        log: Print the whole log instead of progress.

    Returns:
        The folder, the checkpoint, the scores and the figure.

    Raises:
        FolderError: The folder cannot be used; the message names what it holds and what is supported.
        FileExistsError: ``out`` is not empty.

    Example:
        >>> trained = train('data/camvid', minutes=30)
        >>> trained.load().predict('photos')
    """
    contents = look_at(data, task)
    print('\n'.join(describe(contents)), flush=True)
    work_dir = _work_dir(out, Path(data).resolve().name)
    prepared = contents.prepare(work_dir / 'data')
    path = work_dir / 'config.py'
    plan = write_config(path, contents, prepared, task, model, weights, minutes)
    print('\n'.join(summary_of_plan(path, plan, prepared, minutes)), flush=True)
    cfg = read_config(path)
    cfg = Config(cfg.to_dict(), cfg.text, str(work_dir / WHOLE))  # where the runner writes it without bases
    cfg.work_dir, cfg.launcher = str(work_dir), 'none'
    merge_options(cfg, settings or {})
    if tracker is not None:
        add_tracker(cfg, tracker)
    return run_training(cfg, path, minutes=minutes, amp=amp, log=log)


def train_config(args: argparse.Namespace) -> Training | None:
    """Train a config, with the arguments of ``mmmaskformer train``."""
    cfg = load_config(args)
    if args.tracker is not None:
        add_tracker(cfg, args.tracker)
    if args.minutes is not None and args.resume:
        raise ValueError(
            '--minutes begins a training; --resume goes on with the length in the config: give one.'
        )
    if args.log or args.launcher != 'none':
        limit_time(cfg, args.minutes)
        train_model(cfg, resume=args.resume, amp=args.amp)
        return None
    options = dict(minutes=args.minutes, amp=args.amp, resume=args.resume)
    return run_training(cfg, Path(args.config), **options)


def run_training(
    cfg: Config,
    config: Path,
    minutes: float | None = None,
    amp: str | None = None,
    resume: bool = False,
    log: bool = False,
) -> Training:
    """Train a config; print progress, the score, and where figure and checkpoint are."""
    limit_time(cfg, minutes)
    start = time.time()
    announce('Training' if minutes is None else f'Training for {minutes:g} min')
    runner = train_model(cfg, resume, amp, console=None if log else ConsoleFilter())
    training = _result(runner, config)
    _print_result(training, time.time() - start, runner)
    return training


def limit_time(cfg: Config, minutes: float | None) -> None:
    """Add the hook that ends a training when its time is up."""
    if minutes is None:
        return
    if minutes <= 0:
        raise ValueError(f'--minutes {minutes:g} is not a time to train for: give a positive number.')
    hook = dict(type='mmmaskformer.TimeBudgetHook', minutes=minutes)
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), hook]


def _work_dir(out: str | Path | None, name: str) -> Path:
    """The folder of a training: the one given, which must be empty, or a new one."""
    if out is None:
        folder = Path('work_dirs', name)
        number = 1
        while folder.exists() and any(folder.iterdir()):
            number += 1
            folder = Path('work_dirs', f'{name}_{number}')
        return folder
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f'{folder} exists and is not empty: give another folder (--out), or go on with the training in '
            f'it by `mmmaskformer train {folder}/config.py --out {folder} --resume`.'
        )
    return folder


def _result(runner: Runner, config: Path) -> Training:
    """Take the best checkpoint, and draw what it predicts."""
    work_dir = Path(runner.work_dir)
    best = runner.message_hub.runtime_info.get('best_ckpt')
    checkpoint = Path(best or (work_dir / 'last_checkpoint').read_text().strip())
    scores = _scores(runner, best)
    figure = None
    if scores:
        if best:
            content = CheckpointLoader.load_checkpoint(str(best), map_location='cpu', logger='silent')
            segmentor_of(runner.model).load_state_dict(content['state_dict'])
        figure = _from_here(draw_predictions(runner, work_dir / 'predictions.png'))
    return Training(_from_here(work_dir), config, _from_here(checkpoint), scores, figure)


def _scores(runner: Runner, best: str | None) -> dict[str, float]:
    """Scores of the validation of the best checkpoint, or of the last one; none without a validation."""
    history = {
        name.removeprefix('val/'): buffer.data[0]
        for name, buffer in runner.message_hub.log_scalars.items()
        if name.startswith('val/') and len(buffer.data[0])
    }
    found = re.match(r'best_(.+)_iter_', Path(best).name) if best else None
    chosen = history.get(found[1]) if found else None
    place = -1 if chosen is None else int(chosen.argmax()) - len(chosen)
    return {
        name: float(values[place])
        for name, values in history.items()
        if len(values) >= -place and not name.endswith('time')
    }


def _from_here(path: Path) -> Path:
    """A path relative to the current folder, if it lies inside."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _print_result(training: Training, seconds: float, runner: Runner) -> None:
    announce(f'Done in {in_minutes(seconds)}')
    if training.scores:
        images = counted(len(runner.val_dataloader.dataset), 'validation images')
        print(f'score       {summary(training.scores)} on {images}')
    if training.figure:
        print(f'figure      {training.figure} (ground truth beside prediction)')
    print(f'checkpoint  {training.checkpoint}')
    print(f'predict     mmmaskformer predict FOLDER --weights {training.work_dir}', flush=True)
