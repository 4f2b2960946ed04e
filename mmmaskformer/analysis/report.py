"""What a contest leaves: a table, curves, classes side by side, and what queries do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.registry import DATASETS, init_default_scope

from ..visualization import draw_training_curves
from .comparison import compare_costs
from .contest import Contest
from .per_class import class_scores, pair_classes, write_class_table
from .queries import draw_summary, look_at_queries, write_summary
from .records import TITLES, Scores, last_scores, mean_scores, read_records, training_seconds
from .runs import Run
from .table import Row, insert_text, write_table

CURVES = {'loss': 'training loss (each its own)', **{key: f'{title} (%)' for key, title in TITLES.items()}}
RIVALS = 'PerPixelBaseline+', 'MaskFormer'
MOST_IMAGES = 100


def write_report(contest: Contest, runs: Sequence[Run], repeats: int = 10) -> str:
    """Write everything into the contest's folder; returns the table.

    Args:
        contest: The contest.
        runs: Its runs, as `train_all` gives them.
        repeats: Timed rounds.
    """
    out, first_seed = contest.out_dir, runs[: len(contest.models)]
    rows, note = compare_costs(first_seed, repeats=repeats)
    rows = [_with_scores(row, [run for run in runs if run.label == row.label]) for row in rows]
    notes = [*_notes(contest, runs), note]
    text = write_table(rows, out, 'table', notes, data_set=contest.data_set, seeds=list(contest.seeds))
    records = {run.label: read_records(_work_dir(run)) for run in first_seed}
    draw_training_curves(records, out / 'curves.png', CURVES, smooth=5)
    rivals = [run for name in RIVALS for run in first_seed if run.label == name]
    if len(rivals) == len(RIVALS):
        first, second = (class_scores(run) for run in rivals)
        write_class_table(pair_classes(first, second), RIVALS, out)
    for run in first_seed:
        if run.label == RIVALS[1]:
            write_query_sheet(run, out, MOST_IMAGES)
    return text


def write_query_sheet(run: Run, folder: Path, num_images: int | None = None) -> None:
    """``queries.png`` and ``queries.json`` of a model on its test data.

    Args:
        run: A model whose queries classify masks.
        folder: Made if it is not there.
        num_images: The first so many; by default all.

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
    write_summary(statistics, classes, folder / 'queries.json')


def publish(contest: Contest, text: str, document: Path) -> None:
    """Put table and curves into a document that has a place for them, see `insert_text`."""
    image = document.parent / f'compare_{contest.data_set}.png'
    insert_text(document, contest.data_set, f'{text}\n![training curves]({image.name})')
    shutil.copyfile(contest.out_dir / 'curves.png', image)


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
    assert run.work_dir is not None, 'runs of a contest were trained in a folder'
    return run.work_dir


def _notes(contest: Contest, runs: Sequence[Run]) -> list[str]:
    cfg = runs[0].config
    seeds = f'seed {contest.seeds[0]}'
    if len(contest.seeds) > 1:
        seeds = f'mean and standard deviation of {len(contest.seeds)} seeds'
    return [
        f'{cfg.train_cfg.max_iters} iterations of {cfg.train_dataloader.batch_size} images from random '
        f'weights, {seeds}; scores of the last checkpoint on test data.'
    ]
