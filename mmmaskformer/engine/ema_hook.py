"""Averaged weights, evaluated beside the plain ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.hooks import EMAHook as MMEngineEMAHook
from mmengine.runner import Runner
from mmengine.runner.amp import autocast

from mmmaskformer.registry import HOOKS


@HOOKS.register_module()
class EMAHook(MMEngineEMAHook):
    """MMEngine's exponential moving average of the weights, with validation of the plain weights too.

    ``mIoU`` and its like are scores of the averages, as with MMEngine's hook; ``plain_mIoU`` those of the
    weights that are being trained. Checkpoints hold both: averages under ``state_dict``, which prediction
    loads. Validation takes twice as long.

    Args:
        args: See MMEngine's `EMAHook`.
        evaluate_plain: Evaluate the plain weights.
        kwargs: See MMEngine's `EMAHook`.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.EMAHook', momentum=0.001)]
    """

    def __init__(self, *args: Any, evaluate_plain: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.evaluate_plain = evaluate_plain
        self._plain: dict[str, Any] = {}

    def before_val_epoch(self, runner: Runner) -> None:
        """Evaluate the plain weights, then put the averages in their place."""
        if self.evaluate_plain:
            self._plain = _evaluate(runner)
        super().before_val_epoch(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the plain weights back, and their scores beside those of the averages."""
        super().after_val_epoch(runner, metrics)
        for name, value in self._plain.items():
            if metrics is not None:
                metrics[f'plain_{name}'] = value
            if isinstance(value, int | float | np.number):
                runner.message_hub.update_scalar(f'val/plain_{name}', value)
        self._plain = {}


@torch.no_grad()
def _evaluate(runner: Runner) -> dict[str, Any]:
    """The metrics of the validation loop for the present weights, without the hooks of the loop."""
    loop: Any = runner.val_loop
    runner.logger.info('Validation of the plain weights:')
    runner.model.eval()
    for batch in loop.dataloader:
        with autocast(enabled=loop.fp16):
            outputs = runner.model.val_step(batch)
        loop.evaluator.process(data_samples=outputs, data_batch=batch)
    metrics = loop.evaluator.evaluate(len(loop.dataloader.dataset))
    runner.logger.info('Validation of the averaged weights:')
    return metrics
