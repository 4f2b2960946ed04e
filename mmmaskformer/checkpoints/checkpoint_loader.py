"""Checkpoints in ``load_from``, ``--resume``, `init_model` and ``init_cfg=dict(type='Pretrained', ...)``.

Two things are registered with MMEngine's `CheckpointLoader`. Everything it loads, from files, by http, from
a store or from the Hugging Face hub, goes through `safe_load`, which runs no code. And it reads formats that
torch does not: ``.pkl`` of numpy arrays, ``.npz`` and ``.safetensors``, local or by http, models of the hub,
and local folders, written with a slash at the end.

A segmentor of this package, and its backbone, rename a state dict with foreign names when it is loaded: a
checkpoint of mmseg is renamed for a model of this package, and is unchanged for a model of mmseg in the same
process.
"""

from __future__ import annotations

import io
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from mmengine.dist import barrier, get_rank
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as runner_checkpoint
from torch import Tensor, nn

from ..file_names import inside
from .fit_to_model import accept_three_channels, adapt_grid, adapt_stem, check_fit, class_tensors
from .formats import to_our_names
from .hub import PREFIX, download
from .model_folder import meta_of_folder
from .reading import read_state_dict, safe_load, tensors_of
from .tables import recognize

SOURCE = 'the checkpoint'


def accept_foreign_checkpoints(segmentor: nn.Module) -> None:
    """Let a segmentor, and its backbone alone, load state dicts with foreign names.

    A foreign state dict must fit: ValueError names the tensors that are missing, left over or misshapen.
    """
    segmentor._register_load_state_dict_pre_hook(_rename_model, with_module=True)
    backbone: Any = segmentor.backbone
    backbone._register_load_state_dict_pre_hook(_rename_backbone, with_module=True)
    accept_three_channels(backbone)


def _rename_model(segmentor: Any, state: dict, prefix: str, *_: Any) -> None:
    source_format = recognize(state)
    if not isinstance(state.get('model'), dict) and (source_format is None or source_format.ours):
        return
    converted = to_our_names(tensors_of(state, SOURCE), SOURCE)
    if not converted.format.whole:
        raise ValueError(
            f'{SOURCE} holds a backbone alone ({converted.format.title}): load it with '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
        )
    adapt_grid(converted.state, segmentor.backbone, 'backbone.')
    adapt_stem(converted.state, segmentor.backbone, 'backbone.')
    check_fit(converted.state, segmentor, SOURCE, True, converted.foreign_name, class_tensors(segmentor))
    _replace(state, converted.state, prefix)


def _rename_backbone(backbone: nn.Module, state: dict, prefix: str, *_: Any) -> None:
    """Rename for a backbone alone; of a checkpoint of a whole model, take the backbone."""
    names = [name for name in state if name.startswith(prefix)]
    if prefix or not names:
        return  # part of a segmentor, which has renamed it
    source_format = recognize(names)
    if not isinstance(state.get('model'), dict) and (source_format is None or _of_backbone(names)):
        return
    converted = to_our_names(tensors_of(state, SOURCE), SOURCE)
    tensors = {
        name.removeprefix('backbone.'): tensor
        for name, tensor in converted.state.items()
        if name.startswith('backbone.')
    }
    foreign = converted.foreign_name
    adapt_grid(tensors, backbone)
    adapt_stem(tensors, backbone)
    check_fit(tensors, backbone, SOURCE, converted.format.whole, lambda name: foreign(f'backbone.{name}'))
    _replace(state, tensors, prefix)


def _of_backbone(names: list[str]) -> bool:
    """Whether these are a backbone's own names, without a prefix."""
    source_format = recognize(names)
    return (
        source_format is not None
        and source_format.ours
        and not any(name.startswith('backbone.') for name in names)
    )


def _replace(state: dict, tensors: dict[str, Tensor], prefix: str) -> None:
    state.clear()
    state.update({prefix + name: tensor for name, tensor in tensors.items()})


@CheckpointLoader.register_scheme(prefixes=[r'(?![\w-]+://).*(\.pkl|\.npz|\.safetensors|/)$'], force=True)
def load_from_foreign(filename: str, map_location: Any = None) -> dict:
    """Read a checkpoint that torch cannot read, for MMEngine's `CheckpointLoader`."""
    state = read_state_dict(filename)
    device = map_location if isinstance(map_location, str | torch.device) else 'cpu'
    tensors = {name: tensor.to(device) for name, tensor in state.items()}
    meta = meta_of_folder(filename)
    return dict(state_dict=tensors, meta=meta) if meta else dict(state_dict=tensors)


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a local file of ``torch.save``."""
    return safe_load(filename, map_location)


@CheckpointLoader.register_scheme(prefixes='package://', force=True)
def load_from_package(filename: str, map_location: Any = None) -> Any:
    """Read a file of an installed Python package: ``package://MODULE/PATH``.

    Raises:
        ValueError: The package is not installed, or has no such file.
    """
    module, _, name = filename.removeprefix('package://').partition('/')
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            f'{filename} needs the package {module.replace("_", "-")}: install it with pip, or set '
            'checkpoint to a local file'
        )
    path = inside(Path(spec.submodule_search_locations[0]), name, filename)
    return _load_file(path, map_location)


@CheckpointLoader.register_scheme(prefixes=('http://', 'https://'), force=True)
def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Read a URL: the first process downloads it into torch's cache, unless it is there."""
    path = Path(torch.hub.get_dir()) / 'checkpoints' / Path(urlsplit(filename).path).name
    for first in (True, False):  # other processes find it, or have a disk of their own
        if (get_rank() == 0) == first and not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(filename, str(path), progress=sys.stderr.isatty())
        barrier()
    return _load_file(path, map_location)


@CheckpointLoader.register_scheme(prefixes=PREFIX, force=True)
def load_from_hub(filename: str, map_location: Any = None) -> Any:
    """Read a model of the hub, ``hf://ORG/NAME``; see `hub`."""
    return _load_file(download(filename), map_location)


def _load_file(path: Path, map_location: Any) -> Any:
    foreign = path.is_dir() or path.suffix in ('.pkl', '.npz', '.safetensors')
    return load_from_foreign(str(path), map_location) if foreign else safe_load(path, map_location)


@CheckpointLoader.register_scheme(prefixes=[r'(\S+\:)?s3://', r'(\S+\:)?petrel://'], force=True)
def load_from_store(filename: str, map_location: Any = None, backend: str = 'petrel') -> Any:
    """Read an object of a store that MMEngine has a backend for."""
    store = get_file_backend(filename, backend_args={'backend': backend})
    with io.BytesIO(store.get(filename)) as content:
        return safe_load(content, map_location)


# torchvision://resnet50 and open-mmlab://... call the loader of URLs by its name in their module.
runner_checkpoint.load_from_http = load_from_http
