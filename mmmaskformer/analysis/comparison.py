"""One table of any number of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from ..apis.console import device_name
from ..inference.settings import choose_device
from .cost import count_multiply_adds, count_parameters, median_milliseconds, peak_memory, prediction
from .evaluation import evaluate_run
from .records import Scores, last_scores, mean_scores, training_seconds
from .runs import Run
from .table import Row

FALLBACK_SHAPE = (512, 512)


def compare_costs(
    runs: Sequence[Run],
    shape: tuple[int, int] | None = None,
    repeats: int = 10,
    device: str | None = None,
) -> tuple[list[Row], str]:
    """Parameters, multiply-adds, time and memory of predictions of one image.

    All models are kept in memory, as they are timed in turn.

    Args:
        runs: The models.
        shape: Height and width of the image; by default as `input_shape` says of the first model.
        repeats: Timed rounds; 0 measures neither time nor memory.
        device: By default a GPU, if there is one.

    Returns:
        A row for each model, and a sentence that says what was measured.

    Raises:
        ValueError: The device is unknown, or is not there.
    """
    chosen = choose_device(device or 'auto')
    height, width = shape or input_shape(runs[0].config)
    models = {run.label: run.load().to(chosen) for run in runs}
    tasks = {label: prediction(model, (height, width)) for label, model in models.items()}
    rows = [
        Row(label, count_parameters(model), count_multiply_adds(tasks[label]))
        for label, model in models.items()
    ]
    note = f'FLOPs are multiply-adds of the prediction of one image of {height} x {width}'
    if not repeats:
        return rows, f'{note}.'
    times = median_milliseconds(tasks, repeats, chosen)
    memory = {label: peak_memory(task, chosen) for label, task in tasks.items()}
    timed = [replace(r, milliseconds=times[r.label], memory=memory[r.label]) for r in rows]
    return timed, f'{note}; {_how_timed(next(iter(models.values())), repeats)}'


def _how_timed(model: nn.Module, repeats: int) -> str:
    return (
        f'its time is the median of {repeats} rounds in which the models take turns, on '
        f'{device_name(model)}, and its memory the peak beyond the model.'
    )


def compare_models(
    runs: Sequence[Run],
    shape: tuple[int, int] | None = None,
    repeats: int = 10,
    evaluate: bool = False,
    folder: Path | None = None,
    device: str | None = None,
) -> tuple[list[Row], list[str]]:
    """Costs of models, and their scores: those that work dirs hold, or new ones.

    Args:
        runs: The models.
        shape: See `compare_costs`.
        repeats: See `compare_costs`.
        evaluate: Evaluate the checkpoints on their test data.
        folder: Where evaluations of runs without a work dir are left, each in a folder of its label.
        device: See `compare_costs`.

    Returns:
        A row for each model, and the notes that belong to the table.

    Raises:
        ValueError: A model that is to be evaluated has no checkpoint, or the device is not there.
        FileNotFoundError: Its data are not there.
    """
    choose_device(device or 'auto')  # errors come before work that would be lost
    if evaluate:
        for run in runs:
            run.need_checkpoint()
    scores = [_scores(run, evaluate, folder) for run in runs]
    rows, note = compare_costs(runs, shape, repeats, device)
    rows = [
        replace(
            row,
            training_seconds=training_seconds(run.work_dir) if run.work_dir else None,
            scores=mean_scores([found]) if found else {},
            source=found.source if found else None,
        )
        for row, run, found in zip(rows, runs, scores)
    ]
    sources = sorted({found.source for found in scores if found})
    notes = [f'Scores are of {sources[0]} data.'] if len(sources) == 1 else []
    return rows, [note, *notes]


def _scores(run: Run, evaluate: bool, folder: Path | None) -> Scores | None:
    if evaluate:
        return evaluate_run(run, run.work_dir or (folder / run.label if folder else None))
    return last_scores(run.work_dir, run.checkpoint) if run.work_dir else None


def input_shape(config: Config) -> tuple[int, int]:
    """Height and width that a model is trained at: the config's ``crop_size``, or 512 x 512."""
    crop: Any = config.get('crop_size') or FALLBACK_SHAPE
    return int(crop[0]), int(crop[1])
