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
    """The device to run on; None leaves a model on a GPU where it is, else means ``'auto'``.

    Raises:
        ValueError: The device is not there.
    """
    if device is None and model is not None and (here := next(model.parameters()).device).type != 'cpu':
        return here
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
        ValueError: It is unknown, or not for this device.
    """
    if dtype not in DTYPES:
        raise ValueError(f'dtype={dtype!r} is unknown: set one of {", ".join(DTYPES)}.')
    if dtype == 'fp16' and device.type == 'cpu':
        raise ValueError("dtype='fp16' is for GPUs: set dtype='bf16' or 'fp32' on the CPU.")
    return DTYPES[dtype]


def ask_for(tasks: str | Sequence[str] | None, model: nn.Module, meta: Mapping[str, Any]) -> ConfigDict:
    """The ``test_cfg`` that gives the results asked for, with the thresholds that the model has.

    Args:
        tasks: Of ``'semantic'``, ``'panoptic'`` and ``'instance'``; None leaves ``test_cfg`` as it is.
        model: The segmentor.
        meta: Metainfo of the classes.

    Raises:
        ValueError: A task is unknown, or the model or what is known of its classes does not allow it.
    """
    cfg = ConfigDict(getattr(model, 'test_cfg', None) or {})
    if isinstance(model, MaskFormer):
        cfg.setdefault('seg_logits', False)  # results hold label maps, not scores
    if tasks is not None:
        cfg.update(_choose_results(_check_tasks(tasks), model, cfg))
        with given_settings(model, cfg):
            if isinstance(model, MaskFormer):
                model._check_test_cfg()
    if cfg.get('panoptic') is not None and meta.get('thing_classes') is None:
        raise ValueError(
            'Panoptic results need to know which classes are things, which neither the checkpoint nor the '
            "config says: give classes=dict(thing_classes=...), or leave 'panoptic' out of tasks."
        )
    return cfg


@contextmanager
def given_settings(model: Any, test_cfg: ConfigDict) -> Iterator[None]:
    """The model with another ``test_cfg``; afterwards it is as it was."""
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
            raise ValueError(f'The task {task!r} is unknown: choose of {", ".join(TASKS)}.')
    if not chosen:
        raise ValueError(f'tasks is empty: choose of {", ".join(TASKS)}.')
    return chosen


def _choose_results(tasks: tuple[str, ...], model: nn.Module, cfg: ConfigDict) -> dict[str, Any]:
    """What of ``test_cfg`` changes."""
    masks = [task for task in ('panoptic', 'instance') if task in tasks]
    if not isinstance(model, MaskFormer):
        if masks:
            raise ValueError(
                f'{type(model).__name__} has no {masks[0]} results: set model.type=mmmaskformer.MaskFormer.'
            )
        return {}
    settings = {task: (cfg.get(task) or {}) if task in tasks else None for task in ('panoptic', 'instance')}
    return dict(settings, semantic=(cfg.get('semantic') or True) if 'semantic' in tasks else False)
