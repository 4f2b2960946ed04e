"""Read checkpoints of any origin without running what is inside them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor

from ..utils import inside
from .safe_loading import ArrayUnpickler, naming_the_checkpoint, safe_load

FOLDER_FILES = ('model.safetensors', 'pytorch_model.bin')


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name.

    Args:
        path: A ``.pkl`` of numpy arrays (detectron2's format), a PyTorch file, a ``.safetensors`` file, a
            folder with HuggingFace's ``model.safetensors`` or ``pytorch_model.bin``, or a URL for MMEngine.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is damaged, would run code, or holds no tensors.
    """
    if '://' in str(path):
        return tensors_of(CheckpointLoader.load_checkpoint(str(path), 'cpu', logger=None), path)
    path = Path(path).expanduser()
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint at {path}: check the path')
    reader = {'.pkl': _read_pickle, '.safetensors': _read_safetensors}.get(path.suffix)
    if reader is None:
        return tensors_of(safe_load(path), path)
    with naming_the_checkpoint(path):
        content = reader(path)
    return tensors_of(content, path)


def tensors_of(content: Any, source: str | Path) -> dict[str, Tensor]:
    """The tensors in what a checkpoint file holds: they may lie under ``model`` or ``state_dict``.

    Raises:
        ValueError: There are none.
    """
    for key in ('model', 'state_dict'):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    arrays = content.items() if isinstance(content, Mapping) else ()
    state = {name: torch.as_tensor(value) for name, value in arrays if isinstance(value, np.ndarray | Tensor)}
    if not state:
        raise ValueError(f'{source} holds no tensors: is it a checkpoint?')
    return state


def _read_folder(path: Path) -> dict[str, Tensor]:
    """A model of HuggingFace, in one file or, with an index beside them, in several."""
    for name in FOLDER_FILES:
        if (path / name).is_file():
            return read_state_dict(path / name)
        if (path / f'{name}.index.json').is_file():
            return _read_shards(path, path / f'{name}.index.json')
    raise FileNotFoundError(f'{path} is a folder without {" or ".join(FOLDER_FILES)}: check the path')


def _read_shards(folder: Path, index: Path) -> dict[str, Tensor]:
    with naming_the_checkpoint(index):
        names = sorted(set(json.loads(index.read_text(encoding='utf-8'))['weight_map'].values()))
    shards = [read_state_dict(inside(folder, str(name), str(index))) for name in names]
    return {name: tensor for shard in shards for name, tensor in shard.items()}


def _read_pickle(path: Path) -> Any:
    with path.open('rb') as file:
        return ArrayUnpickler(file, encoding='latin1').load()


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    tensors = import_safetensors()
    try:
        return tensors.load(path.read_bytes())
    except tensors.SafetensorError as error:
        raise ValueError(error) from None


def import_safetensors() -> Any:
    """The ``safetensors.torch`` module, which only HuggingFace's files need.

    Raises:
        ValueError: It is not installed.
    """
    try:
        return importlib.import_module('safetensors.torch')
    except ImportError:
        raise ValueError(
            "HuggingFace's files need the package safetensors: pip install 'mmmaskformer[huggingface]'"
        ) from None
