"""Checkpoints of any code base -> ours, and ours -> HuggingFace's and the official format."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..registry import DATASETS, MODELS
from .config_of_checkpoint import config_for
from .exporting import write_huggingface, write_official
from .fit_to_model import adapt_grid, check_fit, class_tensors
from .formats import Converted, read_checkpoint

TARGETS = ('mmmaskformer', 'huggingface', 'official')
META_KEYS = ('classes', 'palette', 'thing_classes', 'stuff_classes')


def build_model(config: Config) -> nn.Module:
    """The model of a config, without loading any pre-trained weights.

    Raises:
        ValueError: There is no model in the config.
    """
    if config.get('model') is None:
        raise ValueError('The config has no model: add it, or inherit from a base.')
    init_default_scope(config.get('default_scope', 'mmseg'))
    return MODELS.build(config.model)


def convert_official(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint of any format under our names, see `read_checkpoint`."""
    return read_checkpoint(path).state


def load_strictly(
    model: nn.Module, state: dict[str, Tensor], source: str | Path, origin: Converted | None = None
) -> None:
    """Load tensors into a model that must have exactly these.

    Args:
        model: A segmentor with a decode head.
        state: Tensors under our names; those of a backbone alone leave the head as it is.
        source: Where they come from, for messages.
        origin: The conversion they come from, for their original names in messages.

    Raises:
        ValueError: Tensors are missing, left over or of another shape; the message names them.
    """
    head = [name for name in state if not name.startswith('backbone.')]
    part: Any = model if head else model.backbone
    prefix = '' if head else 'backbone.'
    rows = class_tensors(model)
    own = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    adapt_grid(own, getattr(model, 'backbone', None), 'backbone.' if head else '')
    foreign = origin.foreign_name if origin else str
    check_fit(own, part, source, bool(head), lambda name: foreign(prefix + name), rows)
    try:
        part.load_state_dict(own, strict=False)
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from None


def convert_checkpoint(
    source: str | Path, destination: str | Path, config: Config | None = None, to: str = 'mmmaskformer'
) -> list[str]:
    """Convert a checkpoint of any known format, and write it.

    An ImageNet backbone becomes a checkpoint of the config's backbone, for its ``init_cfg``.

    Args:
        source: File, folder (HuggingFace) or URL.
        destination: File to write, as MMEngine's runner, ``init_model`` and ``load_from`` read them; a folder
            for ``to='huggingface'``.
        config: Config of the model the checkpoint belongs to; found by its shapes if None.
        to: One of `TARGETS`.

    Returns:
        Sentences about the format and the config that were found.

    Raises:
        FileNotFoundError: No such source.
        ValueError: The checkpoint cannot be read, does not fit, or cannot be written in the other format; or
            no
            config, or more than one, fits.
    """
    if to not in TARGETS:
        raise ValueError(f'cannot write the format {to!r}: choose one of {TARGETS}')
    converted = read_checkpoint(source)
    notes = [f'{source} is a checkpoint in the format {converted.format.title}.']
    if config is None:
        config, note = config_for(converted.state)
        notes.append(note)
    model: Any = build_model(config)
    load_strictly(model, converted.state, source, converted)
    _write(model, config, converted, source, destination, to)
    return notes


def _write(
    model: Any, config: Config, converted: Converted, source: str | Path, destination: str | Path, to: str
) -> None:
    whole = any(not name.startswith('backbone.') for name in converted.state)
    meta = _dataset_meta(config)
    if to == 'mmmaskformer':
        _write_ours(model if whole else model.backbone, meta, Path(source).name, destination)
    elif not whole:
        raise ValueError(f'{source} is a backbone alone: only whole models are written as {to}')
    elif to == 'huggingface':
        write_huggingface(model, config, meta.get('classes'), destination)
    else:
        write_official(model, destination)


def _write_ours(part: nn.Module, dataset_meta: dict, source: str, destination: str | Path) -> None:
    meta = dict(converted_from=source, **({'dataset_meta': dataset_meta} if dataset_meta else {}))
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=part.state_dict(), meta=meta), destination)


def _dataset_meta(config: Config) -> dict:
    """Class names and colors of the config's data set, which need no data on disk."""
    dataset = config.get('test_dataloader', {}).get('dataset', {})
    with DATASETS.switch_scope_and_registry(dataset.get('_scope_')) as registry:
        cls = registry.get(dataset['type']) if 'type' in dataset else None
    meta = {**getattr(cls, 'METAINFO', {}), **(dataset.get('metainfo') or {})}
    if dataset.get('categories'):
        meta = _built_meta(dataset)
    elif cls is not None and 'classes' not in meta:
        with suppress(FileNotFoundError, ValueError, TypeError, AssertionError):  # its files name the classes
            meta = _built_meta(dataset)
    return {key: meta[key] for key in META_KEYS if key in meta} if meta.get('classes') else {}


def _built_meta(dataset: dict) -> dict:
    return DATASETS.build({**dataset, 'lazy_init': True, 'pipeline': []}).metainfo
