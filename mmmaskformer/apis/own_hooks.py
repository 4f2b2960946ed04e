"""The hooks of ``default_runtime.py``, which a config's own list of hooks replaces."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

OWN_HOOKS = (
    'CheckDatasetHook',
    'ShareBuffersHook',
    'ResumeByConfigHook',
    'ExactResumeHook',
    'FiniteLossHook',
    'DataReportHook',
)


def add_own_hooks(cfg: Config) -> None:
    """Add those of `OWN_HOOKS` to ``cfg.custom_hooks`` that it lacks, and log which.

    MMEngine replaces lists of a base: a config that sets ``custom_hooks`` for one more hook would train
    without the checks of the package. ``left_out_hooks`` in the config names those that are not wanted.

    Raises:
        ValueError: ``left_out_hooks`` has a name that is not one of them.

    Example:
        >>> cfg.custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU')]
        >>> cfg.left_out_hooks = ['DataReportHook']
        >>> add_own_hooks(cfg)
    """
    left_out = [_name(name) for name in cfg.get('left_out_hooks') or ()]
    unknown = sorted(set(left_out) - set(OWN_HOOKS))
    if unknown:
        raise ValueError(f'Unknown name {unknown[0]!r} in left_out_hooks; expected one of {list(OWN_HOOKS)}.')
    hooks = list(cfg.get('custom_hooks') or ())
    present = {_name(hook.get('type') if isinstance(hook, dict) else type(hook)) for hook in hooks}
    missing = [name for name in OWN_HOOKS if name not in present and name not in left_out]
    if missing:
        cfg.custom_hooks = [*hooks, *(dict(type=f'mmmaskformer.{name}') for name in missing)]
        print_log(
            f'custom_hooks of the config lacks {", ".join(missing)}: added; those named in left_out_hooks '
            'of the config are not.',
            'current',
        )


def _name(hook: Any) -> str:
    """``'EMAHook'`` of ``'mmengine.EMAHook'`` or of the class."""
    return str(getattr(hook, '__name__', hook)).rpartition('.')[2]
