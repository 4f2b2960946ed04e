"""The learning curve of a run, drawn while it trains."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..registry import HOOKS
from .plots import draw_training_curves, read_scalars

Record = dict[str, Any]


def read_records(work_dir: Path) -> list[Record]:
    """The scalars of a run in order, those of resumed runs continued.

    Records of a resumed run replace those of the earlier run from its first iteration on.

    Raises:
        FileNotFoundError: There are no scalars.
    """
    files = sorted(work_dir.glob('*/vis_data/scalars.json')) + sorted(work_dir.glob('vis_data/scalars.json'))
    if not files:
        raise FileNotFoundError(
            f'{work_dir} holds no vis_data/scalars.json, so there are no curves: give the work dir of a run '
            'whose visualizer has a LocalVisBackend'
        )
    records: list[Record] = []
    for path in files:
        new = [record for record in read_scalars(path) if 'step' in record]
        start = min((record['step'] for record in new if 'loss' in record), default=math.inf)
        records = [record for record in records if record['step'] < start] + new
    return records


@HOOKS.register_module()
class LearningCurveHook(Hook):
    """Draws losses and scores into ``learning_curve.png`` of the work directory after every validation.

    There is a panel for the training loss, one for ``val_loss`` where `ValidationLossHook` computes it, and
    one for each score. A resumed run continues the curve. The figure takes less than a second.

    Args:
        scores: Names of the scores to draw, as the log has them.
        smooth: The training loss is the mean of so many logged values.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.LearningCurveHook')]
    """

    priority = 'VERY_LOW'  # after the hook that logs the metrics

    def __init__(self, scores: Sequence[str] = ('mIoU', 'PQ', 'AP'), smooth: int = 5) -> None:
        self.titles = {
            'loss': 'training loss',
            'val_loss': 'validation loss',
            **{name: name for name in scores},
        }
        self.smooth = smooth
        self._training = False

    def before_train(self, runner: Runner) -> None:
        """Draw in the validations of a training only."""
        self._training = True

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Draw the curve, if anything is logged yet."""
        if not (self._training and is_main_process()):
            return
        try:
            records = read_records(Path(runner.work_dir))
        except FileNotFoundError as error:  # a figure is no reason to end a training
            self._training = False
            print_log(f'LearningCurveHook draws nothing: {error}', 'current', logging.WARNING)
            return
        if any(name in record for record in records for name in self.titles):
            path = Path(runner.work_dir, 'learning_curve.png')
            draw_training_curves({'run': records}, path, self.titles, self.smooth)
