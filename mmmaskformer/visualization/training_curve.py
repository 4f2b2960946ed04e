"""The course of a training run: loss and mIoU over iterations."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


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
