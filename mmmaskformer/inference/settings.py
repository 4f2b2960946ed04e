"""Device, precision and tasks of a prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import ConfigDict
from torch import nn

from ..models import MaskFormer

TASKS = ('semantic', 'panoptic', 'instance')
DTYPES = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def choose_device(device: str | torch.device | None, model: nn.Module | None = None) -> torch.device:
    """The device to run on; None keeps a model that is on a GPU there, and means ``'auto'`` otherwise.

    Raises:
        ValueError: The name is invalid, or PyTorch does not find the device.
    """
    if device is None and model is not None and (current := next(model.parameters()).device).type != 'cpu':
        return current
    if device in (None, 'auto'):
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(
            f"device={device!r} is not a device: give 'auto', 'cpu', 'cuda' or 'cuda:1'."
        ) from None
    gpus = torch.cuda.device_count()
    if chosen.type == 'cuda' and (chosen.index or 0) >= gpus:
        raise ValueError(f"device={str(device)!r}, but PyTorch finds {gpus} GPUs here: set device='auto'.")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype | None:
    """The type of automatic mixed precision, None for full precision.

    Raises:
        ValueError: The type is unknown, or not supported on the device.
    """
    if dtype not in DTYPES:
        raise ValueError(f'dtype={dtype!r} is unknown: set one of {", ".join(DTYPES)}.')
    if dtype == 'fp16' and device.type == 'cpu':
        raise ValueError("dtype='fp16' is for GPUs: set dtype='bf16' or 'fp32' on the CPU.")
    return DTYPES[dtype]


def test_cfg_for(tasks: str | Sequence[str] | None, model: nn.Module, meta: Mapping[str, Any]) -> ConfigDict:
    """The ``test_cfg`` for the requested results, with the thresholds of the model.

    Args:
        tasks: Of ``'semantic'``, ``'panoptic'`` and ``'instance'``; None leaves ``test_cfg`` as it is.
        model: The segmentor.
        meta: Metainfo of the classes.

    Raises:
        ValueError: A task is unknown, or the model or the metainfo of its classes does not support it.
    """
    cfg = ConfigDict(getattr(model, 'test_cfg', None) or {})
    if isinstance(model, MaskFormer):
        cfg.setdefault('seg_logits', False)  # results hold label maps, not scores
    if tasks is not None:
        cfg.update(_choose_results(_check_tasks(tasks), model, cfg))
        with use_test_cfg(model, cfg):
            if isinstance(model, MaskFormer):
                model._check_test_cfg()
    if cfg.get('panoptic') is not None and meta.get('thing_classes') is None:
        raise ValueError(
            'Panoptic results need the thing classes, which neither the checkpoint nor the config has: '
            "give classes=dict(thing_classes=...), or leave 'panoptic' out of tasks."
        )
    return cfg


def tasks_of(test_cfg: Mapping[str, Any]) -> tuple[str, ...]:
    """The results that a ``test_cfg`` gives, of `TASKS`."""
    wanted = dict(semantic=test_cfg.get('semantic', True))
    wanted.update({task: test_cfg.get(task) is not None for task in TASKS[1:]})
    return tuple(task for task in TASKS if wanted[task])


def with_scores(test_cfg: ConfigDict, model: nn.Module) -> ConfigDict:
    """The ``test_cfg`` with scores beside the label map, for probabilities of the classes.

    Raises:
        ValueError: The model gives no semantic result, or none from scores.
    """
    cfg = ConfigDict(test_cfg, seg_logits=True)
    if isinstance(model, MaskFormer) and cfg.get('semantic', True) is not True:
        raise ValueError(
            f'probabilities need the semantic result, but test_cfg.semantic is {cfg["semantic"]!r}: add '
            "'semantic' to tasks, or leave probabilities out."
        )
    return cfg


@contextmanager
def use_test_cfg(model: Any, test_cfg: ConfigDict) -> Iterator[None]:
    """Give a model another ``test_cfg`` inside the context."""
    before = getattr(model, 'test_cfg', None)
    model.test_cfg = test_cfg
    try:
        yield
    finally:
        model.test_cfg = before


def _check_tasks(tasks: str | Sequence[str]) -> tuple[str, ...]:
    chosen = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    for task in chosen:
        if task not in TASKS:
            raise ValueError(f'The task {task!r} is unknown: choose from {", ".join(TASKS)}.')
    if not chosen:
        raise ValueError(f'tasks is empty: choose from {", ".join(TASKS)}.')
    return chosen


def _choose_results(tasks: tuple[str, ...], model: nn.Module, cfg: ConfigDict) -> dict[str, Any]:
    """The changes to ``test_cfg``."""
    masks = [task for task in ('panoptic', 'instance') if task in tasks]
    if not isinstance(model, MaskFormer):
        if masks:
            raise ValueError(
                f'{type(model).__name__} has no {masks[0]} results: set model.type=mmmaskformer.MaskFormer.'
            )
        return {}
    settings = {task: (cfg.get(task) or {}) if task in tasks else None for task in ('panoptic', 'instance')}
    return dict(settings, semantic=(cfg.get('semantic') or True) if 'semantic' in tasks else False)
