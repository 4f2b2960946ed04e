"""One table of any number of models: their costs and scores, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from ..apis.console import device_name
from ..inference.settings import choose_device
from .cost import count_multiply_adds, count_parameters, median_milliseconds, peak_memory, prediction
from .runs import Run
from .scores import TITLES, Scores, evaluate_run, last_scores, mean_scores, training_seconds

FALLBACK_SHAPE = (512, 512)


@dataclass(frozen=True)
class Row:
    """A model; unknown values are None or missing.

    Attributes:
        label: Its name.
        parameters: Numbers in its parameters.
        multiply_adds: Of the prediction of one image.
        milliseconds: Time of the prediction of one image.
        memory: MiB that the prediction needs in addition to the model.
        training_seconds: Time of one training iteration, as the run has logged it.
        scores: Mean in percent by the metric's name, and its standard deviation if there are several runs.
        source: The data that scores are of: ``'test'`` or ``'validation'``.
    """

    label: str
    parameters: int | None = None
    multiply_adds: int | None = None
    milliseconds: float | None = None
    memory: float | None = None
    training_seconds: float | None = None
    scores: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    source: str | None = None


COST_COLUMNS: dict[str, Callable[[Row], str | None]] = {
    'parameters': lambda row: _in_units(row.parameters),
    'FLOPs': lambda row: _in_units(row.multiply_adds),
    'ms per image': lambda row: _rounded(row.milliseconds, 1),
    'memory (MiB)': lambda row: _rounded(row.memory, 0),
    'training (s per iteration)': lambda row: _rounded(row.training_seconds, 3),
}


def markdown_table(rows: Sequence[Row]) -> str:
    """The table; columns that are empty for all models are omitted."""
    columns = {title: [cell(row) for row in rows] for title, cell in COST_COLUMNS.items()}
    for name, title in TITLES.items():
        columns[title] = [_score(row.scores.get(name)) for row in rows]
    if len({row.source for row in rows if row.source}) > 1:
        columns['scores of'] = [row.source for row in rows]
    shown = {title: cells for title, cells in columns.items() if any(cells)}
    lines = [['model', *shown], ['-'] * (1 + len(shown))]
    lines += [[row.label, *(cells[i] or '' for cells in shown.values())] for i, row in enumerate(rows)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def write_table(rows: Sequence[Row], folder: Path, name: str, notes: Sequence[str], **about: Any) -> str:
    """Write ``<name>.md`` and ``<name>.json`` into a folder, and return the Markdown.

    Args:
        rows: The models.
        folder: Created if needed.
        name: Name of the files, without suffix.
        notes: Sentences below the table.
        **about: Further entries of the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = f'{markdown_table(rows)}\n{" ".join(notes)}\n'
    (folder / f'{name}.md').write_text(text)
    content = dict(**about, notes=list(notes), models=[asdict(row) for row in rows])
    (folder / f'{name}.json').write_text(json.dumps(content, indent=1) + '\n')
    return text


def insert_text(path: Path, name: str, text: str) -> None:
    """Put a text between the lines ``<!-- <name>: begin -->`` and ``<!-- <name>: end -->`` of a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It lacks the lines.
    """
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist: give a file with the two marks of the table')
    before, begin, rest = path.read_text().partition(f'<!-- {name}: begin -->\n')
    _, end, after = rest.partition(f'<!-- {name}: end -->')
    if not begin or not end:
        raise ValueError(
            f'{path} has no place for the table: add <!-- {name}: begin --> and <!-- {name}: end -->'
        )
    path.write_text(f'{before}{begin}{text.strip()}\n{end}{after}')


def _in_units(number: int | None) -> str | None:
    """``41.3M`` or ``53.0G``: three digits and more."""
    if number is None:
        return None
    for unit, size in (('G', 10**9), ('M', 10**6), ('k', 10**3)):
        if number >= size:
            return f'{number / size:.{1 if number >= 10 * size else 2}f}{unit}'
    return str(number)


def _rounded(number: float | None, digits: int) -> str | None:
    return None if number is None else f'{number:.{digits}f}'


def _score(score: tuple[float, float | None] | None) -> str | None:
    if score is None:
        return None
    mean, deviation = score
    return f'{mean:.1f}' if deviation is None else f'{mean:.1f} ± {deviation:.1f}'


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
        shape: Height and width of the image; by default `input_shape` of the first model.
        repeats: Timed rounds; 0 measures neither time nor memory.
        device: By default a GPU, if there is one.

    Returns:
        A row for each model, and a sentence about what was measured.

    Raises:
        ValueError: The device is unknown or not available.
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
    """Costs of models, and their scores: those that their work dirs hold, or those of a new evaluation.

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
        ValueError: A model that is to be evaluated has no checkpoint, or the device is not available.
        FileNotFoundError: The test data are missing.
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
            scores=mean_scores([score]) if score else {},
            source=score.source if score else None,
        )
        for row, run, score in zip(rows, runs, scores)
    ]
    sources = sorted({score.source for score in scores if score})
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
