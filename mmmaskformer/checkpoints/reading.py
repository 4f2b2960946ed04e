"""Read checkpoints of any origin without running what is inside them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

# All that a pickle of arrays refers to, under numpy 1 and numpy 2.
ALLOWED = {
    ('collections', 'OrderedDict'),
    ('numpy', 'dtype'),
    ('numpy', 'ndarray'),
    *(
        (f'numpy.{core}.multiarray', name)
        for core in ('core', '_core')
        for name in ('_reconstruct', 'scalar')
    ),
    *((f'numpy.{core}.numeric', '_frombuffer') for core in ('core', '_core')),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f'it refers to {module}.{name}, which a checkpoint of arrays does not need'
        )


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name.

    Args:
        path: A ``.pkl`` of numpy arrays (detectron2's format) or a PyTorch file.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is damaged, would run code, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint at {path}: check the path')
    try:
        content = _read_pickle(path) if path.suffix == '.pkl' else _read_torch(path)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, AttributeError) as error:
        raise ValueError(f'{path} cannot be read as a checkpoint: {error}') from error
    for key in ('model', 'state_dict'):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    arrays = content.items() if isinstance(content, Mapping) else ()
    state = {name: torch.as_tensor(value) for name, value in arrays if isinstance(value, np.ndarray | Tensor)}
    if not state:
        raise ValueError(f'{path} holds no tensors: is it a checkpoint?')
    return state


def _read_pickle(path: Path) -> Any:
    with path.open('rb') as file:
        return _ArrayUnpickler(file, encoding='latin1').load()


def _read_torch(path: Path) -> Any:
    return torch.load(path, map_location='cpu', weights_only=True)
