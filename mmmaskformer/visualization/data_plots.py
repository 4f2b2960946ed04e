"""A figure of what a data set holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .fonts import legible_names, make_legible

MAX_BARS = 60
"""Classes that have a bar: the most frequent ones."""


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
        path: The file; its folder must be there.
        classes: Names of the classes.
        fractions: ``(K,)`` fraction of the images that have each class.
        num_segments: Of each image.
        sizes: Width and height of each image.
        num_queries: Of the model; a line marks it.
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
