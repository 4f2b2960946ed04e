"""Plot of how much better or worse systems are than one of them, over the number of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


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
            points = sorted(gaps)
            axes.errorbar(
                [gap.num_classes for gap in points],
                [gap.mean for gap in points],
                [gap.deviation or 0.0 for gap in points],
                label=name,
                color=f'C{number}',
                marker='o',
                capsize=4,
            )
        beside = published.get(title, ())
        if beside:
            places = [gap.num_classes for gap in beside]
            axes.plot(
                places, [gap.mean for gap in beside], 'D', color='gray', label="MaskFormer, paper's sets"
            )
        axes.axhline(0, color='black', linewidth=0.8)
        axes.set_xscale('log')
        shown = sorted({gap.num_classes for gaps in (*systems.values(), beside) for gap in gaps})
        axes.set_xticks(shown, [str(number) for number in shown], rotation=60)
        axes.minorticks_off()
        axes.set_xlabel('number of classes')
        axes.set_ylabel(f'{title} minus that of {reference} (points)')
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
