"""Recompute a loss from a file of `FiniteLossHook`, and find the first module with a non-finite output."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from ..checkpoints import build_model
from ..checkpoints.config_of_checkpoint import read_config_text
from ..engine.step_snapshot import images_of, read_snapshot
from ..inference.config_files import find_config
from ..inference.settings import choose_device


class Reproduction(NamedTuple):
    """The losses of a training step, as they were and recomputed.

    Attributes:
        iteration: Iteration of the step.
        images: Paths of the images.
        then: Terms of the loss as the run had them.
        now: The same terms, recomputed.
        first_module: Name of the first module whose output is not finite, or None; ``''`` is the model.
    """

    iteration: int
    images: list[str]
    then: dict[str, float]
    now: dict[str, float]
    first_module: str | None


def reproduce_loss(
    path: str | Path, config: str | Path | Config | None = None, device: str = 'cpu'
) -> Reproduction:
    """Build the model, load its state and the random state, and compute the loss of the batch.

    On the device of the run, with one process, the terms are equal to the last digit. Otherwise dropout
    differs, synchronized norms see the images of one process, and mask losses are divided by its segments.

    Args:
        path: ``non_finite_loss_iter_I_rank_R.pth``.
        config: The config, or its path or name; by default the one in the file.
        device: Where to compute.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not such a record, its config holds code, or PyTorch does not
            find the device.
    """
    chosen = choose_device(device)
    record = read_snapshot(path)
    if config is None:
        config = read_config_text(record['config'], str(path))
    config = config if isinstance(config, Config) else find_config(config)
    model = revert_sync_batchnorm(build_model(config))
    model.load_state_dict(record['state_dict'])
    model.to(chosen).train()
    faulty = _watch_outputs(model)
    torch.set_rng_state(record['random_state'])
    if chosen.type == 'cuda' and record['random_state_cuda'] is not None:
        torch.cuda.set_rng_state(record['random_state_cuda'], chosen)
    dtype = getattr(torch, record['autocast']) if record['autocast'] else None
    with torch.autocast(chosen.type, dtype, enabled=dtype is not None):
        losses = model(**model.data_preprocessor.cast_data(record['data']), mode='loss')
    then = {name: _mean([torch.tensor(part) for part in parts]) for name, parts in record['terms'].items()}
    now = {name: _mean(losses[name]) for name in then}
    return Reproduction(record['iteration'], images_of(record['data']), then, now, next(iter(faulty), None))


def _watch_outputs(model: nn.Module) -> list[str]:
    """Names of the modules whose output is not finite, in the order of the forward pass; filled by it."""
    faulty: list[str] = []
    for name, module in model.named_modules():

        def check_output(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            if not all(tensor.isfinite().all() for tensor in _tensors(output)):
                faulty.append(name)

        module.register_forward_hook(check_output)
    return faulty


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value] if value.is_floating_point() else []
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for item in values for tensor in _tensors(item)]


def _mean(value: Tensor | list[Tensor]) -> float:
    return sum(part.detach().mean().item() for part in (value if isinstance(value, list) else [value]))
