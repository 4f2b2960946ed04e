"""The schedule of EoMT's masked attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS


@HOOKS.register_module()
class MaskAnnealingHook(Hook):
    """Lowers the probability of masked attention from one to zero, block by block (EoMT, section 3.3).

    A block begins after the one before it, so that in the end the model predicts without masks, once and
    fast. By default the first of the last blocks begins after a sixth of the training, the last one after
    four sixths, and each takes a sixth, as in the published configs. The probabilities follow from the
    iteration alone: a resumed training goes on as it would have.

    Args:
        begin: Iterations at which the blocks begin, one each; None takes the default.
        end: Iterations at which they reach zero, one each; None takes the default.
        power: Of the polynomial.

    Raises:
        ValueError: ``begin`` or ``end`` is given alone, or a block ends before it begins.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.MaskAnnealingHook')]
        >>> [falling(50, *block, power=1.0) for block in default_window(120, 4)]
        [0.0, 0.5, 1.0, 1.0]
    """

    def __init__(
        self, begin: Sequence[int] | None = None, end: Sequence[int] | None = None, power: float = 0.9
    ):
        if (begin is None) != (end is None):
            raise ValueError('MaskAnnealingHook has begin or end alone: set both, or none')
        self.window = None
        if begin is not None and end is not None:
            if len(begin) != len(end) or any(stop <= start for start, stop in zip(begin, end)):
                raise ValueError(
                    f'MaskAnnealingHook: begin={list(begin)} and end={list(end)}: set one iteration in each '
                    'for every block, with the end after the beginning'
                )
            self.window = list(zip(begin, end))
        self.power = power

    def before_train(self, runner: Runner) -> None:
        """Set the probabilities of the first iteration, or of that at which training is resumed."""
        heads = self._heads(runner)
        if not heads:
            head = type(getattr(_network(runner.model), 'decode_head', None)).__name__
            raise ValueError(
                f'MaskAnnealingHook is for EoMTHead, and decode_head is {head}: remove it from custom_hooks'
            )
        number = len(heads[0].mask_probabilities)
        if self.window is not None and len(self.window) != number:
            raise ValueError(
                f'MaskAnnealingHook: begin and end are for {len(self.window)} blocks, and the model has '
                f'queries in {number}: set one iteration in each for every block'
            )
        self._set(runner, runner.iter)

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Set the probabilities of the next iteration, which a checkpoint written now has too."""
        self._set(runner, runner.iter + 1)

    def _set(self, runner: Runner, iteration: int) -> None:
        for head in self._heads(runner):
            number = len(head.mask_probabilities)
            window = self.window or default_window(runner.max_iters, number)
            head.mask_probabilities = [falling(iteration, begin, end, self.power) for begin, end in window]

    def _heads(self, runner: Runner) -> list[Any]:
        """The head of the model, and that of its averaged weights, which become those of a checkpoint."""
        averages = [getattr(hook, 'ema_model', None) for hook in runner.hooks]
        models = [_network(model) for model in (runner.model, *averages) if model is not None]
        heads = [getattr(model, 'decode_head', None) for model in models]
        return [head for head in heads if hasattr(head, 'mask_probabilities')]


def _network(model: Any) -> Any:
    return model.module if is_model_wrapper(model) or hasattr(model, 'update_parameters') else model


def default_window(max_iters: int, num_blocks: int) -> list[tuple[float, float]]:
    """First and last iteration of the annealing of each block, in the published proportions.

    Example:
        >>> default_window(120, 4)
        [(20.0, 40.0), (40.0, 60.0), (60.0, 80.0), (80.0, 100.0)]
    """
    sixth, last = max_iters / 6, max(1, num_blocks - 1)
    begins = [sixth * (1 + 3 * block / last) for block in range(num_blocks)]
    return [(begin, begin + sixth) for begin in begins]


def falling(iteration: int, begin: float, end: float, power: float) -> float:
    """One until ``begin``, zero from ``end`` on, and a polynomial between them."""
    done = (iteration - begin) / (end - begin)
    return (1.0 - min(max(done, 0.0), 1.0)) ** power
