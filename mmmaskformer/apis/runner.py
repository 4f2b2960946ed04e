"""Runners: hooks of the package, processes on CPUs, mixed precision, and the end of worker processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import BaseLoop, Runner

from .formatted_once import FormattedOnce

PACKAGE_HOOKS = (
    'CheckDatasetHook',
    'ShareBuffersHook',
    'ResumeByConfigHook',
    'ExactResumeHook',
    'FiniteLossHook',
    'DataReportHook',
)
BFLOAT16 = 'mmmaskformer.Bfloat16OptimWrapper'
RUNS_IN_FOLDERS: Counter[str] = Counter()


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config, with the hooks of the package, on CPUs where there is no GPU."""
    add_package_hooks(cfg)
    name_visualizer(cfg)
    if cfg.get('launcher') == 'pytorch' and not torch.cuda.is_available():
        join_cpu_processes(cfg)
    cfg = FormattedOnce.of(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def name_visualizer(cfg: Config) -> None:
    """Give a run a visualizer of its own.

    MMEngine hands the visualizer of an earlier run in this process, with its folder, to every later run that
    names it alike, and MMSegmentation's configs all say ``'visualizer'``.
    """
    if isinstance(cfg.get('visualizer'), dict):
        RUNS_IN_FOLDERS[cfg.work_dir] += 1
        number = RUNS_IN_FOLDERS[cfg.work_dir]
        cfg.visualizer.name = cfg.work_dir if number == 1 else f'{cfg.work_dir}, run {number}'


def add_package_hooks(cfg: Config) -> None:
    """Add the hooks of `PACKAGE_HOOKS` that ``cfg.custom_hooks`` lacks, and log their names.

    MMEngine replaces lists of a base: a config that sets ``custom_hooks`` for one more hook would train
    without the checks of the package. ``left_out_hooks`` in the config names hooks not to add.

    Raises:
        ValueError: ``left_out_hooks`` has an unknown name.

    Example:
        >>> cfg.custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU')]
        >>> cfg.left_out_hooks = ['DataReportHook']
        >>> add_package_hooks(cfg)
    """
    left_out = [_name(name) for name in cfg.get('left_out_hooks') or ()]
    unknown = sorted(set(left_out) - set(PACKAGE_HOOKS))
    if unknown:
        raise ValueError(
            f'Unknown name {unknown[0]!r} in left_out_hooks; expected one of {list(PACKAGE_HOOKS)}.'
        )
    hooks = list(cfg.get('custom_hooks') or ())
    present = {_name(hook.get('type') if isinstance(hook, dict) else type(hook)) for hook in hooks}
    missing = [name for name in PACKAGE_HOOKS if name not in present and name not in left_out]
    if missing:
        cfg.custom_hooks = [*hooks, *(dict(type=f'mmmaskformer.{name}') for name in missing)]
        print_log(
            f'custom_hooks of the config lacks {", ".join(missing)}: added. Name a hook in left_out_hooks to '
            'leave it out.',
            'current',
        )


def _name(hook: Any) -> str:
    """``'EMAHook'`` of ``'mmengine.EMAHook'`` or of the class."""
    return str(getattr(hook, '__name__', hook)).rpartition('.')[2]


def join_cpu_processes(cfg: Config) -> None:
    """Connect the processes by gloo, and set the config to wrap the model for CPUs.

    Args:
        cfg: A complete config. Its model wrapper, or that of its ``FSDPStrategy``, is adapted.
    """
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    defaults = {'find_unused_parameters': cfg.get('find_unused_parameters', False)}
    cfg.model_wrapper_cfg = _on_cpu({**defaults, **(cfg.get('model_wrapper_cfg') or {})})
    strategy: Any = cfg.get('strategy') or {}
    if strategy.get('type') == 'FSDPStrategy':
        sharded = {'type': 'MMFullyShardedDataParallel'}
        strategy.model_wrapper = _on_cpu({**sharded, **(strategy.get('model_wrapper') or {})})


def _on_cpu(wrapper: dict) -> dict:
    """Config of a model wrapper that does not use the local rank as the index of a GPU."""
    kind = wrapper.get('type', 'MMDistributedDataParallel')
    if kind == 'MMFullyShardedDataParallel':
        wrapper.pop('find_unused_parameters', None)
        return {'device_id': 'cpu', **wrapper}
    if kind == 'MMDistributedDataParallel':
        kind = 'mmmaskformer.CPUDistributedDataParallel'
    return {'broadcast_buffers': False, **wrapper, 'type': kind, 'device_ids': None}


def use_mixed_precision(cfg: Config, precision: str = 'auto') -> None:
    """Turn the config's ``OptimWrapper`` into one of mixed precision.

    Args:
        cfg: A config with ``optim_wrapper``.
        precision: ``'bf16'``, ``'fp16'``, or ``'auto'``: bf16, unless the GPU lacks it.

    Raises:
        ValueError: fp16 without a GPU, or an ``optim_wrapper`` with a precision of its own.
    """
    wrapper = cfg.optim_wrapper
    if wrapper.type in ('AmpOptimWrapper', BFLOAT16) and precision == 'auto':
        return
    if wrapper.type != 'OptimWrapper':
        raise ValueError(
            f'--amp gives an OptimWrapper mixed precision, but optim_wrapper.type is {wrapper.type}: '
            'set its precision in the config instead, and leave --amp out.'
        )
    if autocast_dtype(precision) is torch.bfloat16:
        wrapper.update(type=BFLOAT16)
    else:
        wrapper.update(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')


def autocast_dtype(precision: str) -> torch.dtype:
    """The type that ``'bf16'``, ``'fp16'`` or ``'auto'`` means on this machine.

    Raises:
        ValueError: fp16 is requested without a GPU.
    """
    if precision == 'auto':
        precision = 'bf16' if _computes_in_bfloat16() else 'fp16'
    if precision == 'fp16' and not torch.cuda.is_available():
        raise ValueError('--amp fp16 needs a GPU, and none was found: use --amp bf16, or leave --amp out.')
    return torch.bfloat16 if precision == 'bf16' else torch.float16


def _computes_in_bfloat16() -> bool:
    """True for CPUs, AMD GPUs, and NVIDIA GPUs from Ampere on; older ones emulate bfloat16 slowly."""
    if not torch.cuda.is_available() or torch.version.hip:
        return True
    return torch.cuda.get_device_capability() >= (8, 0)


@contextmanager
def default_autocast(precision: str) -> Iterator[None]:
    """Set the autocast type of GPUs, which MMEngine's loops use with ``fp16=True``."""
    dtype, before = autocast_dtype(precision), torch.get_autocast_gpu_dtype()
    torch.set_autocast_gpu_dtype(dtype)
    try:
        yield
    finally:
        torch.set_autocast_gpu_dtype(before)


def stop_workers(runner: Any) -> None:
    """Stop the worker processes of a runner's data loaders; it can still test, but not continue training.

    They live as long as the runner otherwise. Once the garbage collector has freed the queue that signals
    them to exit, torch waits five seconds for each worker, and leaves zombie processes.

    Args:
        runner: A runner of MMEngine.
    """
    for name in ('_train_loop', '_val_loop', '_test_loop'):
        loop = getattr(runner, name, None)
        if not isinstance(loop, BaseLoop):  # not built yet
            continue
        if hasattr(loop, 'dataloader_iterator'):
            loop.dataloader_iterator = None
        loop.dataloader._iterator = None
