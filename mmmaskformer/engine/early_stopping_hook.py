"""Early stopping that goes on counting in a resumed run."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.hooks import EarlyStoppingHook as MMEngineEarlyStoppingHook
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS

STATE = 'early_stopping'


@HOOKS.register_module()
class EarlyStoppingHook(MMEngineEarlyStoppingHook):
    """Ends training when a metric has not improved in ``patience`` validations.

    MMEngine's hook, with what it lacks: the metric is by default that of the best checkpoint, higher scores
    are better without ``rule`` (PQ and AP are unknown to MMEngine), losses lower, and the count goes on in a
    resumed run.

    Args:
        monitor: Name of the metric; by default that of ``save_best``.
        rule: ``'greater'`` or ``'less'``; by default less for names with "loss", greater for others.
        min_delta: Smaller improvements do not count; an equal score is none.
        patience: Validations without improvement that end the training.
        kwargs: See MMEngine's hook.

    Raises:
        ValueError: There is neither ``monitor`` nor ``save_best``, or validation does not give that metric.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.EarlyStoppingHook', patience=5)]
    """

    priority = 'LOW'  # before the checkpoint that holds the count

    def __init__(
        self,
        monitor: str | None = None,
        rule: str | None = None,
        min_delta: float = 1e-6,
        patience: int = 5,
        **kwargs: Any,
    ) -> None:
        self._settings = dict(rule=rule, min_delta=min_delta, patience=patience, **kwargs)
        self._set_monitor(monitor or '')

    def _set_monitor(self, monitor: str) -> None:
        rule = self._settings['rule'] or ('less' if 'loss' in monitor else 'greater')
        super().__init__(monitor, **{**self._settings, 'rule': rule})

    def before_train(self, runner: Runner) -> None:
        """Take the metric of the best checkpoint, and the count of the run that is resumed."""
        if not self.monitor:
            self._set_monitor(_metric_of_best_checkpoint(runner))
        state = runner.message_hub.runtime_info.get(STATE) or {}
        if (state.get('monitor'), state.get('rule')) == (self.monitor, self.rule):
            self.best_score, self.wait_count = state['best_score'], state['wait_count']

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Count, note the count for the checkpoint, and stop if patience is at its end."""
        metrics = metrics or {}
        if self.monitor not in metrics:
            raise ValueError(
                f'EarlyStoppingHook: validation gives no {self.monitor!r}, but '
                f'{", ".join(map(repr, metrics))}: set monitor of the hook to one of them.'
            )
        super().after_val_epoch(runner, metrics)
        state = dict(monitor=self.monitor, rule=self.rule)
        state.update(best_score=float(self.best_score), wait_count=int(self.wait_count))
        runner.message_hub.update_info(STATE, state)
        if runner.train_loop.stop_training:
            best = runner.message_hub.runtime_info.get('best_ckpt')
            kept = f'; the best checkpoint is {best}' if best else ''
            runner.logger.info(f'Training stops early at iteration {runner.iter}{kept}.')


def _metric_of_best_checkpoint(runner: Runner) -> str:
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best not in (None, 'auto'):
            return hook.save_best if isinstance(hook.save_best, str) else hook.save_best[0]
    raise ValueError(
        'EarlyStoppingHook does not know which metric to follow: set monitor of the hook, or save_best of '
        'default_hooks.checkpoint.'
    )
