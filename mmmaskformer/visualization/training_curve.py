"""The course of training: loss and scores over iterations, of one run or of several."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .fonts import make_legible


def read_scalars(path: str | Path) -> list[dict[str, Any]]:
    """Reads the JSON lines that MMEngine's LocalVisBackend writes (``vis_data/scalars.json``)."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; a LocalVisBackend in visualizer.vis_backends writes it during training.'
        )
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def draw_training_curve(scalars: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Draws the training loss and the validation mIoU over iterations into a PNG.

    Args:
        scalars: What :func:`read_scalars` returns: records with ``step``, and ``loss`` or ``mIoU``.
        path: File to write.

    Raises:
        ValueError: No record holds a loss.
    """
    losses = [(record['step'], record['loss']) for record in scalars if 'loss' in record]
    scores = [(record['step'], record['mIoU']) for record in scalars if 'mIoU' in record]
    if not losses:
        raise ValueError(
            'The scalars hold no loss, so there is no curve to draw; was the run stopped at once?'
        )
    figure = Figure(figsize=(8, 4.5), layout='constrained')
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    left.plot(*zip(*losses, strict=True), color='tab:blue', linewidth=1.2)
    left.set_xlabel('iteration')
    left.set_ylabel('training loss', color='tab:blue')
    left.set_ylim(bottom=0)
    left.grid(alpha=0.3)
    if scores:
        right = left.twinx()
        right.plot(*zip(*scores, strict=True), color='tab:red', marker='o')
        right.set_ylabel('mIoU on held-out scenes (%)', color='tab:red')
        right.set_ylim(0, 100)
        right.annotate(
            f'{scores[-1][1]:.1f}',
            scores[-1],
            (0, 8),
            textcoords='offset points',
            ha='right',
            color='tab:red',
        )
    figure.savefig(path, dpi=120)


def draw_training_curves(
    runs: Mapping[str, Sequence[dict[str, Any]]],
    path: str | Path,
    titles: Mapping[str, str],
    smooth: int = 1,
) -> list[str]:
    """Draws several runs into one PNG: a panel for the loss, and one for each score that any of them has.

    Args:
        runs: Records as those of :func:`read_scalars`, by the run's name.
        path: File to write.
        titles: What is drawn: keys of the records and their titles, ``dict(loss='training loss', ...)``.
        smooth: The loss is the mean of so many records, those before and the present one.

    Returns:
        The keys that were found and drawn.

    Raises:
        ValueError: No run has any of them.
    """
    keys = [key for key in titles if any(key in record for records in runs.values() for record in records)]
    if not keys:
        raise ValueError(
            f'the runs {", ".join(runs)} have logged none of {", ".join(titles)}: name other keys'
        )
    figure = Figure(figsize=(6 * len(keys), 4.8), layout='constrained')
    FigureCanvasAgg(figure)
    for panel, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys):
        for number, (name, records) in enumerate(runs.items()):
            points = [(record['step'], record[key]) for record in records if key in record]
            steps, values = [step for step, _ in points], [value for _, value in points]
            if is_loss := 'loss' in key:
                values = running_mean(values, smooth)
            style = dict(linewidth=1.2) if is_loss else dict(linewidth=1.5, marker='o', markersize=4)
            panel.plot(steps, values, label=name, color=f'C{number}', **style)
        panel.set_xlabel('iteration')
        panel.set_ylabel(titles[key])
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    handles, labels = panel.get_legend_handles_labels()
    ncols = min(len(labels), 5)
    legend = figure.legend(handles, labels, loc='outside lower center', ncols=ncols, frameon=False)
    make_legible(legend.get_texts())
    figure.savefig(path, dpi=110)
    return keys


def running_mean(values: Sequence[float], number: int) -> list[float]:
    """Mean of each value and those before it, ``number`` in all where there are as many."""
    parts = [values[max(0, i + 1 - number) : i + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]
