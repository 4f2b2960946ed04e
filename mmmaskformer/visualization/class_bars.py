"""Scores of two models class by class, as bars."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Entry = tuple[str, float | None, float | None]


def draw_class_bars(entries: Sequence[Entry], names: tuple[str, str], title: str, path: str | Path) -> None:
    """Draws two bars for each class, in the order given, and the difference as a number, into a PNG.

    Args:
        entries: Class with the scores of both models in percent; None where the class does not occur.
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
    axes.set_yticks(places, [name for name, *_ in entries])
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(title)
    axes.grid(axis='x', alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc='outside upper center', ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
