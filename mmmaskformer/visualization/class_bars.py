"""Scores of two models class by class, as bars."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .fonts import legible_names, make_legible

Entry = tuple[str, float | None, float | None]


def draw_class_bars(entries: Sequence[Entry], names: tuple[str, str], title: str, path: str | Path) -> None:
    """Draws two bars for each class, in the order given, and the difference as a number, into a PNG.

    Args:
        entries: Class with the scores of both models in percent; None where the class does not occur. A
            class whose name cannot be written is called by its place here, ``row 0`` and so on.
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
