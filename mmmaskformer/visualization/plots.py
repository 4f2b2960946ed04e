"""Plots: training curves, scores per class, and the contents of a data set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .fonts import legible_names, make_legible

Entry = tuple[str, float | None, float | None]
MAX_BARS = 60
"""Number of classes with a bar, the most frequent ones."""


def read_scalars(path: str | Path) -> list[dict[str, Any]]:
    """Read the JSON lines that MMEngine's LocalVisBackend writes (``vis_data/scalars.json``)."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; a LocalVisBackend in visualizer.vis_backends writes it during training.'
        )
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def draw_training_curve(scalars: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Draw the training loss and the validation mIoU over iterations into a PNG.

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
            'The scalars hold no loss, so there is no curve to draw: the run stopped before it logged one.'
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
    """Draw several runs into one PNG: a panel for the loss, and one for each score that a run has.

    Args:
        runs: Records as those of :func:`read_scalars`, by the run's name.
        path: File to write.
        titles: Keys of the records to draw, and their titles, ``dict(loss='training loss', ...)``.
        smooth: Number of records that each point of the loss averages, the last of them its own.

    Returns:
        The keys that were drawn.

    Raises:
        ValueError: No run has any of the keys.
    """
    keys = [key for key in titles if any(key in record for records in runs.values() for record in records)]
    if not keys:
        raise ValueError(
            f'The runs {", ".join(runs)} have logged none of {", ".join(titles)}: choose other keys.'
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
    """Mean of each value and up to ``number - 1`` previous ones."""
    parts = [values[max(0, i + 1 - number) : i + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def draw_class_bars(entries: Sequence[Entry], names: tuple[str, str], title: str, path: str | Path) -> None:
    """Draw two bars and their difference for each class into a PNG, in the order of the entries.

    Args:
        entries: Class with the scores of both models in percent; None if the class does not occur. ``row 0``
            and so on replace names that no installed font has.
        names: The models.
        title: What the scores are.
        path: File to write.
    """
    figure = Figure(figsize=(8, 1.2 + 0.34 * len(entries)), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = range(len(entries))
    for side, (name, offset) in enumerate(zip(names, (-0.2, 0.2))):
        lengths = [entry[1 + side] or 0.0 for entry in entries]
        axes.barh([place + offset for place in places], lengths, 0.38, label=name, color=f'C{side}')
    for place, (_, first, second) in zip(places, entries):
        if first is not None and second is not None:
            axes.text(max(first, second) + 1, place, f'{second - first:+.1f}', va='center', fontsize=8)
    axes.set_yticks(places, legible_names(tuple(name for name, *_ in entries), 'row'))
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(title)
    axes.grid(axis='x', alpha=0.3)
    handles = axes.get_legend_handles_labels()
    legend = figure.legend(*handles, loc='outside upper center', ncols=2, frameon=False)
    make_legible([*axes.get_yticklabels(), *legend.get_texts()])
    figure.savefig(path, dpi=110)


def draw_data_report(
    path: str | Path,
    classes: Sequence[str],
    fractions: Sequence[float],
    num_segments: Sequence[int],
    sizes: Sequence[tuple[int, int]],
    num_queries: int | None = None,
) -> None:
    """Write a figure of the classes, the segments in an image and the sizes of images.

    Args:
        path: The file; its folder must exist.
        classes: Names of the classes.
        fractions: ``(K,)`` fraction of the images that have each class.
        num_segments: Number of segments in each image.
        sizes: Width and height of each image.
        num_queries: Number of queries of the model, drawn as a line.
    """
    order = sorted(range(len(classes)), key=lambda place: -fractions[place])[:MAX_BARS]
    figure = Figure(figsize=(11, max(4.5, 0.17 * len(order) + 1)), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
    bars = figure.add_subplot(grid[:, 0])
    bars.barh(range(len(order)), [100 * fractions[place] for place in order], color='#4c72b0')
    names = legible_names(tuple(classes))
    bars.set_yticks(range(len(order)), [names[place] for place in order], fontsize=7)
    make_legible(bars.get_yticklabels())
    bars.set(xlabel='images with the class (%)', ylim=(len(order) - 0.5, -0.5))
    if len(order) < len(classes):
        bars.set_title(f'the {len(order)} most frequent of {len(classes)} classes', fontsize=9)
    counts = figure.add_subplot(grid[0, 1])
    counts.hist(num_segments, bins=30, color='#55a868')
    counts.set(xlabel='segments in an image', ylabel='images')
    if num_queries is not None and num_segments and num_queries < 4 * max(num_segments):
        counts.axvline(num_queries, color='black', linestyle='--', label=f'{num_queries} queries')
        counts.legend(fontsize=8)
    shapes = figure.add_subplot(grid[1, 1])
    widths, heights = [width for width, _ in sizes], [height for _, height in sizes]
    shapes.scatter(widths, heights, s=8, alpha=0.3, color='#c44e52')
    shapes.set(xlabel='width (pixels)', ylabel='height (pixels)')
    figure.savefig(path, dpi=110)
