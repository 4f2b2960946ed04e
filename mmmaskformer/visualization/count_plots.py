"""Plots over numbers of classes: differences between systems, and classes of each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


class Gap(NamedTuple):
    """Difference between two systems with a number of classes.

    Attributes:
        num_classes: Number of classes.
        mean: Mean difference over seeds, in points.
        deviation: Its standard deviation, None of a single seed.
    """

    num_classes: int
    mean: float
    deviation: float | None


def draw_gaps(
    panels: Mapping[str, Mapping[str, Sequence[Gap]]],
    published: Mapping[str, Sequence[Gap]],
    reference: str,
    path: str | Path,
) -> None:
    """Draw a panel for each score, with a line for each system and error bars over seeds, into a PNG.

    Args:
        panels: Title of the score, and the gaps of each system.
        published: Gaps to be shown beside them, by the title of the score.
        reference: Name of the system that others are measured against.
        path: File to write.
    """
    figure = Figure(figsize=(4.4 * len(panels), 4.2), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, (title, systems) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        for number, (name, gaps) in enumerate(systems.items()):
            places, means, deviations = zip(*((*gap[:2], gap.deviation or 0.0) for gap in sorted(gaps)))
            style = dict(color=f'C{number}', marker='o', capsize=4)
            axes.errorbar(places, means, deviations, label=name, **style)
        if published.get(title):
            places, means, _ = zip(*published[title])
            axes.plot(places, means, 'D', color='gray', label='MaskFormer, paper (its own sets)')
        _number_of_classes(axes)
        axes.axhline(0, color='black', linewidth=0.8)
        axes.set_title(title)
        axes.set_ylabel(f'points above {reference}')
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def _number_of_classes(axes: Any) -> None:
    """A logarithmic axis, with the numbers that are far enough from the one before."""
    axes.set_xscale('log')
    places = sorted({float(place) for line in axes.get_lines() for place in line.get_xdata()})
    shown = [place for i, place in enumerate(places) if not i or place > 1.3 * places[i - 1]]
    axes.set_xticks(shown, [f'{place:g}' for place in shown])
    axes.minorticks_off()
    axes.set_xlabel('number of classes')


def draw_query_classes(found: Sequence[Sequence[int]], path: str | Path) -> None:
    """Draw how many classes each query finds, and how often the most frequent of them, into a PNG.

    Args:
        found: ``(Q, K)`` number of images in which a query finds a class.
        path: File to write.
    """
    active = sorted((row for row in found if sum(row)), key=lambda row: (-_num_classes(row), -sum(row)))
    figure = Figure(figsize=(8, 4.6), layout='constrained')
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.bar(range(len(active)), [_num_classes(row) for row in active], color='C0')
    upper.set_ylabel('classes')
    upper.yaxis.set_major_locator(MaxNLocator(integer=True))
    upper.set_title(f'{len(active)} of {len(found)} queries find something')
    lower.bar(range(len(active)), [100 * max(row) / sum(row) for row in active], color='C1')
    lower.set_ylabel('most frequent class (%)')
    lower.set_ylim(0, 105)
    lower.set_xlabel('queries, those that find most classes first')
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.savefig(path, dpi=110)


def _num_classes(row: Sequence[int]) -> int:
    return sum(number > 0 for number in row)
