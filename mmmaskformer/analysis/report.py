"""Report of a training comparison: a table, curves, classes side by side, and what queries do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.registry import DATASETS, init_default_scope

from ..visualization import draw_class_bars, draw_query_classes, draw_training_curves
from .comparison import Row, compare_costs, insert_text, write_table
from .queries import draw_summary, look_at_queries, write_summary
from .runs import Run
from .scores import (
    TITLES,
    Scores,
    evaluate_run,
    last_scores,
    mean_scores,
    read_records,
    training_seconds,
)
from .training_comparison import TrainingComparison

CURVES = {
    'loss': "training loss (of each model's criterion)",
    **{key: f'{title} (%)' for key, title in TITLES.items()},
}
COMPARED_BY_CLASS = 'PerPixelBaseline+', 'MaskFormer'
MAX_QUERY_IMAGES = 100

ClassScores = Mapping[str, float | None]


def write_report(comparison: TrainingComparison, runs: Sequence[Run], repeats: int = 10) -> str:
    """Write table, curves, classes and queries into the comparison's folder; returns the table.

    Args:
        comparison: The comparison.
        runs: Its runs, as `train_all` gives them.
        repeats: Timed rounds.
    """
    out, first_seed = comparison.out_dir, runs[: len(comparison.models)]
    rows, note = compare_costs(first_seed, repeats=repeats)
    rows = [_with_scores(row, [run for run in runs if run.label == row.label]) for row in rows]
    notes = [*_notes(comparison, runs), note]
    text = write_table(rows, out, 'table', notes, data_set=comparison.data_set, seeds=list(comparison.seeds))
    records = {run.label: read_records(_work_dir(run)) for run in first_seed}
    draw_training_curves(records, out / 'curves.png', CURVES, smooth=5)
    compared = [run for name in COMPARED_BY_CLASS for run in first_seed if run.label == name]
    if len(compared) == len(COMPARED_BY_CLASS):
        first, second = (class_scores(run) for run in compared)
        write_class_table(pair_classes(first, second), COMPARED_BY_CLASS, out)
    for run in first_seed:
        if run.label == COMPARED_BY_CLASS[1]:
            write_query_sheet(run, out, MAX_QUERY_IMAGES)
    return text


def write_query_sheet(run: Run, folder: Path, num_images: int | None = None) -> None:
    """``queries.png``, ``queries.json`` and ``query_classes.png`` of a model on its test data.

    Args:
        run: A model whose queries classify masks.
        folder: Created if needed.
        num_images: Number of images, from the first on; by default all.

    Raises:
        ValueError: The model has no such queries.
    """
    model: Any = run.load()
    init_default_scope(run.config.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(run.config.test_dataloader.dataset)
    samples = (dataset[i] for i in range(min(len(dataset), num_images or len(dataset))))
    statistics = look_at_queries(model, samples)
    classes, palette = tuple(model.dataset_meta['classes']), model.dataset_meta.get('palette')
    folder.mkdir(parents=True, exist_ok=True)
    draw_summary(statistics, classes, palette).save(folder / 'queries.png')
    draw_query_classes(statistics.found.int().tolist(), folder / 'query_classes.png')
    write_summary(statistics, classes, folder / 'queries.json')


def publish(comparison: TrainingComparison, text: str, document: Path) -> None:
    """Insert table and curves into a document with marks for them, see `insert_text`."""
    image = document.parent / f'compare_{comparison.data_set}.png'
    insert_text(document, comparison.data_set, f'{text}\n![training curves]({image.name})')
    shutil.copyfile(comparison.out_dir / 'curves.png', image)


def _with_scores(row: Row, runs: Sequence[Run]) -> Row:
    scores = [_scores(run) for run in runs]
    times = [seconds for run in runs if (seconds := training_seconds(_work_dir(run)))]
    mean_time = sum(times) / len(times) if times else None
    return replace(row, scores=mean_scores(scores), source='test', training_seconds=mean_time)


def _scores(run: Run) -> Scores:
    scores = last_scores(_work_dir(run), run.checkpoint)
    assert scores is not None, 'a finished training was evaluated'
    return scores


def _work_dir(run: Run) -> Path:
    assert run.work_dir is not None, 'runs of a comparison were trained in a folder'
    return run.work_dir


def _notes(comparison: TrainingComparison, runs: Sequence[Run]) -> list[str]:
    cfg = runs[0].config
    seeds = f'seed {comparison.seeds[0]}'
    if len(comparison.seeds) > 1:
        seeds = f'mean and standard deviation of {len(comparison.seeds)} seeds'
    return [
        f'{cfg.train_cfg.max_iters} iterations of {cfg.train_dataloader.batch_size} images from random '
        f'weights, {seeds}; scores of the last checkpoint on test data.'
    ]


class ClassPair(NamedTuple):
    """A class and its IoU with both models in percent; None where it does not occur.

    Attributes:
        name: The class.
        first: IoU of the first model.
        second: IoU of the second model.
    """

    name: str
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """IoU of the second model minus that of the first."""
        return None if self.first is None or self.second is None else self.second - self.first


def pair_classes(first: ClassScores, second: ClassScores) -> list[ClassPair]:
    """Classes of two models, sorted by the gain of the second; those without a difference come last.

    Raises:
        ValueError: They have different classes.
    """
    unmatched = sorted(set(first) ^ set(second))
    if unmatched:
        raise ValueError(f'the models have different classes: only one of them has {unmatched[0]!r}')
    pairs = [ClassPair(name, first[name], second[name]) for name in first]
    return sorted(pairs, key=lambda pair: (pair.difference is None, -(pair.difference or 0.0)))


def class_scores(run: Run, evaluate: bool = False, folder: Path | None = None) -> ClassScores:
    """IoU of the classes, from an earlier evaluation or a new one.

    Args:
        run: A model with a checkpoint.
        evaluate: Evaluate even if there is an earlier evaluation.
        folder: Where the evaluation of a run without a work dir is written.

    Raises:
        ValueError: The model has no checkpoint, or its metrics give no IoU of classes.
    """
    if run.work_dir and not evaluate:
        earlier = last_scores(run.work_dir, run.checkpoint)
        if earlier and earlier.class_iou:
            return earlier.class_iou
    class_iou = evaluate_run(run, run.work_dir or (folder / run.label if folder else None)).class_iou
    if not class_iou:
        raise ValueError(f'{run.label}: no IoU of classes: add an IoUMetric to test_evaluator of its config')
    return class_iou


def write_class_table(pairs: list[ClassPair], names: tuple[str, str], folder: Path) -> str:
    """Write ``classes.md``, ``classes.json`` and ``classes.png``, and return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'| class | {names[0]} | {names[1]} | difference |', '| - | - | - | - |']
    for pair in pairs:
        cells = [_shown(pair.first), _shown(pair.second), _shown(pair.difference, '+')]
        lines.append(f'| {pair.name} | {" | ".join(cells)} |')
    both = [pair for pair in pairs if pair.difference is not None]
    if both:
        means = _mean([pair.first for pair in both]), _mean([pair.second for pair in both])
        lines.append(f'| mean | {means[0]:.1f} | {means[1]:.1f} | {means[1] - means[0]:+.1f} |')
    text = '\n'.join(lines) + '\n'
    (folder / 'classes.md').write_text(text)
    classes = [{**pair._asdict(), 'difference': pair.difference} for pair in pairs]
    (folder / 'classes.json').write_text(json.dumps(dict(models=names, iou=classes), indent=1) + '\n')
    draw_class_bars(pairs, names, 'IoU (%)', folder / 'classes.png')
    return text


def _shown(number: float | None, sign: str = '') -> str:
    return '-' if number is None else f'{number:{sign}.1f}'


def _mean(numbers: list[float | None]) -> float:
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known)
