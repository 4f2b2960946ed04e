"""IoU of two models class by class, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..visualization import draw_class_bars
from .evaluation import evaluate_run
from .records import last_scores
from .runs import Run

ClassScores = Mapping[str, float | None]


class ClassPair(NamedTuple):
    """A class and what both models reach in it, percent; None where it does not occur.

    Attributes:
        name: The class.
        first: Of the first model.
        second: Of the second model.
    """

    name: str
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """By how much the second is better."""
        return None if self.first is None or self.second is None else self.second - self.first


def pair_classes(first: ClassScores, second: ClassScores) -> list[ClassPair]:
    """Classes of two models, what the second gains most first; those without a difference come last.

    Raises:
        ValueError: They have different classes.
    """
    only = sorted(set(first) ^ set(second))
    if only:
        raise ValueError(f'the models have different classes, {only[0]!r} is known to one of them alone')
    pairs = [ClassPair(name, first[name], second[name]) for name in first]
    return sorted(pairs, key=lambda pair: (pair.difference is None, -(pair.difference or 0.0)))


def class_scores(run: Run, evaluate: bool = False, folder: Path | None = None) -> ClassScores:
    """IoU of the classes: as an earlier evaluation has left it, or of a new one.

    Args:
        run: A model with a checkpoint.
        evaluate: Evaluate in any case.
        folder: Where the evaluation of a run without a work dir is left.

    Raises:
        ValueError: The model has no checkpoint, or its metrics know no classes.
    """
    if run.work_dir and not evaluate:
        known = last_scores(run.work_dir, run.checkpoint)
        if known and known.class_iou:
            return known.class_iou
    found = evaluate_run(run, run.work_dir or (folder / run.label if folder else None)).class_iou
    if not found:
        raise ValueError(f'{run.label}: no IoU of classes: its config needs an IoUMetric in test_evaluator')
    return found


def write_class_table(pairs: list[ClassPair], names: tuple[str, str], folder: Path) -> str:
    """Write ``classes.md``, ``classes.json`` and ``classes.png``, and return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'| class | {names[0]} | {names[1]} | difference |', '| - | - | - | - |']
    for pair in pairs:
        cells = [_shown(pair.first), _shown(pair.second), _shown(pair.difference, '+')]
        lines.append(f'| {pair.name} | {" | ".join(cells)} |')
    both = [pair for pair in pairs if pair.difference is not None]
    if both:
        means = _mean([pair.first for pair in both]), _mean([pair.second for pair in both])
        lines.append(f'| mean | {means[0]:.1f} | {means[1]:.1f} | {means[1] - means[0]:+.1f} |')
    text = '\n'.join(lines) + '\n'
    (folder / 'classes.md').write_text(text)
    classes = [{**pair._asdict(), 'difference': pair.difference} for pair in pairs]
    (folder / 'classes.json').write_text(json.dumps(dict(models=names, iou=classes), indent=1) + '\n')
    draw_class_bars(pairs, names, 'IoU (%)', folder / 'classes.png')
    return text


def _shown(number: float | None, sign: str = '') -> str:
    return '-' if number is None else f'{number:{sign}.1f}'


def _mean(numbers: list[float | None]) -> float:
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known)
