"""The figure: images per second of everyone, and where the time of a training step goes."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from .report import STEP_PARTS


def draw(results: dict, path: Path) -> None:
    """Draw what has been measured so far.

    Args:
        results: By part, with ``rows``.
        path: Of the PNG.
    """
    rows = [
        row
        for part in ('speed', 'compiled_speed')
        for row in results.get(part, {}).get('rows', [])
        if 'images_per_second' in row
    ]
    height = 1.5 + 0.22 * max(sum(row['work'] == work for row in rows) for work in ('training', 'prediction'))
    figure, axes = plt.subplots(1, 3, figsize=(24, height), layout='constrained')
    for axis, work in zip(axes, ('training', 'prediction')):
        chosen = [row for row in rows if row['work'] == work]
        bars = axis.barh([_label(row) for row in chosen], [row['images_per_second'] for row in chosen])
        axis.bar_label(bars, fmt='%.1f', padding=2)
        axis.set(title=work, xlabel='images per second')
        axis.invert_yaxis()
    _draw_parts(axes[2], [row for row in rows if 'parts' in row])
    figure.savefig(path, dpi=70)
    plt.close(figure)


def _draw_parts(axis: plt.Axes, rows: list[dict]) -> None:
    labels, left = [_label(row) for row in rows], [0.0] * len(rows)
    for part in STEP_PARTS:
        widths = [1000 * row['parts'].get(part, 0.0) for row in rows]
        axis.barh(labels, widths, left=left, label=part)
        left = [begin + width for begin, width in zip(left, widths)]
    axis.set(title='inside the training step', xlabel='ms')
    axis.invert_yaxis()
    if rows:
        axis.legend()


def _label(row: dict) -> str:
    compiled = ', compiled' if row['compiled'] else ''
    return f'{row["case"]}, {row["name"]}, {row["precision"]}{compiled}'
