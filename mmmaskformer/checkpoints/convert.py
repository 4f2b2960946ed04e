"""Foreign checkpoint -> checkpoint of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..registry import DATASETS, MODELS
from .official import IMAGENET, is_backbone, official_rules
from .reading import read_state_dict
from .rules import rename


def build_model(config: Config) -> nn.Module:
    """The model of a config, without loading any pre-trained weights."""
    init_default_scope(config.get('default_scope', 'mmseg'))
    return MODELS.build(config.model)


def convert_official(path: str | Path) -> dict[str, Tensor]:
    """Tensors of an official checkpoint, of a whole model or an ImageNet backbone, under our names.

    Raises:
        ValueError: The file cannot be read, or holds a tensor that is not known.
    """
    state = read_state_dict(path)
    if is_backbone(state):
        state = rename(state, IMAGENET)
    return rename(state, official_rules(state))


def load_strictly(model: nn.Module, state: dict[str, Tensor], source: str | Path) -> None:
    """Load all tensors into the model, no more, no fewer.

    Raises:
        ValueError: Names the tensors that are missing, left over or of another shape.
    """
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f'{source} does not fit the config. {error}') from None


def convert_checkpoint(source: str | Path, destination: str | Path, config: Config) -> None:
    """Convert an official checkpoint for the model of a config, and write it.

    An ImageNet backbone becomes a checkpoint of the config's backbone, for its ``init_cfg``.

    Args:
        source: Official ``.pkl`` or ``.pth`` file.
        destination: File to write, as MMEngine's runner, ``init_model`` and ``load_from`` read them.
        config: Config of the model the checkpoint belongs to.

    Raises:
        FileNotFoundError: No such source.
        ValueError: The checkpoint cannot be read or does not fit.
    """
    part: Any = build_model(config)
    state = convert_official(source)
    if all(name.startswith('backbone.') for name in state):
        part = part.backbone
        state = {name.removeprefix('backbone.'): tensor for name, tensor in state.items()}
    load_strictly(part, state, source)
    meta: dict[str, Any] = dict(converted_from=Path(source).name)
    if dataset_meta := _dataset_meta(config):
        meta['dataset_meta'] = dataset_meta
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=part.state_dict(), meta=meta), destination)


def _dataset_meta(config: Config) -> dict | None:
    """Class names and colours of the config's data set, which need no data on disk."""
    dataset = config.get('test_dataloader', {}).get('dataset', {})
    cls = DATASETS.get(dataset['type']) if 'type' in dataset else None
    meta = {**getattr(cls, 'METAINFO', {}), **dataset.get('metainfo', {})}
    return {key: meta[key] for key in ('classes', 'palette') if key in meta} or None
