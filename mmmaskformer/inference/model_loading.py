"""Load a model for prediction from a config, a checkpoint, or both."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ..checkpoints import Converted, build_model, config_for, load_strictly
from ..checkpoints.config_of_checkpoint import read_config_text
from ..checkpoints.formats import to_our_names
from ..checkpoints.hub import PREFIX as HUB
from ..checkpoints.reading import tensors_of
from ..models import MaskFormer
from .config_files import find_config, inner_configs, registered_parts, zoo_weights

CHECKPOINT_SUFFIXES = ('.pth', '.pt', '.pkl', '.safetensors')

ModelLike: TypeAlias = str | Path | Config | nn.Module | None


class LoadedModel(NamedTuple):
    """A model, its config, and the metainfo of its classes."""

    model: nn.Module
    config: Config
    meta: dict[str, Any]


class _Weights(NamedTuple):
    """A checkpoint: its path or URL, its tensors and its metainfo."""

    source: str
    state: dict[str, Tensor]
    meta: Mapping[str, Any]

    def renamed(self) -> Converted:
        """The tensors under the names of this package.

        Raises:
            ValueError: The format is unknown, or the tensors are of a backbone only.
        """
        converted = to_our_names(self.state, self.source)
        if not converted.format.whole:
            raise ValueError(f'{self.source} is a backbone alone ({converted.format.title}): it has no head.')
        return converted


def load_model(
    model: ModelLike, weights: str | Path | None, classes: Mapping[str, Any] | None = None
) -> LoadedModel:
    """Find or build a model, and load its weights.

    Args:
        model: Config, or its path or name; or a built model, whose ``cfg`` is its config; or None, for the
            config that the checkpoint carries, or the one of this project that has its shapes.
        weights: Path or URL of a checkpoint in any format that `mmmaskformer.checkpoints` knows, or a model
            of the Hugging Face hub, ``hf://ORG/NAME``. None takes those that this package brings for the
            config, if there are any.
        classes: Metainfo (``classes``, ``palette``, ``thing_classes``), which has precedence over that of the
            model, the checkpoint and the config.

    Raises:
        FileNotFoundError: A file or a name is not known.
        ValueError: Weights and model do not fit, or both are None.
    """
    if weights is None and isinstance(model, str | Path) and _is_checkpoint(str(model)):
        model, weights = None, model
    if weights is None and isinstance(model, str | Path):
        weights = _own_weights(model)
    checkpoint = None if weights is None else _read(weights)
    built, config = _build(model, checkpoint)
    init_default_scope(config.get('default_scope', 'mmseg'))
    if checkpoint is not None:
        _load(built, checkpoint)
    elif not isinstance(model, nn.Module):
        _warn_of_random_weights(model)
    checkpoint_meta = None if checkpoint is None else checkpoint.meta.get('dataset_meta')
    metas = [classes, checkpoint_meta, getattr(built, 'dataset_meta', None), dataset_meta(config)]
    return LoadedModel(built.eval(), config, choose_meta(built, metas))


def _is_checkpoint(name: str) -> bool:
    return name.endswith(CHECKPOINT_SUFFIXES) or name.startswith(HUB)


def _own_weights(model: str | Path) -> str | None:
    address = zoo_weights(model)
    return address if address and address.startswith('package://') else None


def needs_weights(model: str | Path) -> bool:
    """Whether a model is a config that this package has no weights for."""
    return not _is_checkpoint(str(model)) and _own_weights(model) is None


def _warn_of_random_weights(model: ModelLike) -> None:
    address = zoo_weights(model) if isinstance(model, str | Path) else None
    hint = f"; the zoo has some for this config: weights='{address}'" if address else ''
    print_log(f'No weights were given: the model predicts at random{hint}.', 'current', logging.WARNING)


def _read(weights: str | Path) -> _Weights:
    """The checkpoint in a file, a folder of HuggingFace's, or behind a URL."""
    # MMEngine recognizes a folder by the slash.
    place = f'{weights}/' if Path(weights).is_dir() else str(weights)
    try:
        content = CheckpointLoader.load_checkpoint(place, map_location='cpu', logger='silent')
    except FileNotFoundError:
        raise FileNotFoundError(f'The checkpoint {weights} does not exist: give another path.') from None
    except (RuntimeError, OSError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f'{weights} cannot be read as a checkpoint ({reason}).') from None
    state = {name.removeprefix('module.'): tensor for name, tensor in tensors_of(content, weights).items()}
    return _Weights(str(weights), state, content.get('meta') or {})


def _build(model: ModelLike, checkpoint: _Weights | None) -> tuple[nn.Module, Config]:
    if isinstance(model, nn.Module):
        return model, Config(dict(getattr(model, 'cfg', None) or {}))
    if model is None:
        config = _config_of(checkpoint)
    else:
        config = model if isinstance(model, Config) else find_config(model)
    return revert_sync_batchnorm(build_model(config)), config


def _config_of(checkpoint: _Weights | None) -> Config:
    """The config in a checkpoint, or the config of this project that fits the shapes of its tensors."""
    if checkpoint is None:
        raise ValueError('There is nothing to predict with: give a model (a config), weights, or both.')
    carried = checkpoint.meta.get('cfg')
    if carried:
        text = isinstance(carried, str)
        config = read_config_text(carried, checkpoint.source) if text else Config(dict(carried))
        return registered_parts(config, checkpoint.source)
    try:
        config, note = config_for(checkpoint.renamed().state)
    except ValueError as error:
        raise ValueError(
            f'{checkpoint.source} does not carry its config: give model (--model) as well. ({error})'
        ) from None
    print_log(note, 'current')
    return config


def _load(model: nn.Module, checkpoint: _Weights) -> None:
    """Load the tensors strictly; for a `MaskFormer`, those of other code bases are renamed first."""
    if isinstance(model, MaskFormer):
        converted = checkpoint.renamed()
        load_strictly(model, converted.state, checkpoint.source, converted)
    else:
        load_strictly(model, checkpoint.state, checkpoint.source)


def choose_meta(model: nn.Module, candidates: Sequence[Mapping | None]) -> dict[str, Any]:
    """The first metainfo with a name for each class, completed from later ones with the same classes."""
    head: Any = getattr(model, 'decode_head', None)
    number = getattr(model, 'num_classes', None) or head.num_classes
    user_meta = candidates[0]
    if user_meta and len(user_meta.get('classes') or ()) not in (0, number):
        raise ValueError(
            f'{len(user_meta["classes"])} class names were given, but the model has {number} classes: give '
            'one for each.'
        )
    fitting = [meta for meta in candidates if meta and len(meta.get('classes') or ()) == number]
    names = tuple(fitting[0]['classes']) if fitting else tuple(f'class {i}' for i in range(number))
    merged: dict[str, Any] = {}
    for meta in reversed([user_meta or {}, *fitting]):
        if tuple(meta.get('classes') or names) == names:
            merged.update({key: value for key, value in meta.items() if value is not None})
    return {**merged, 'classes': names}


def dataset_meta(config: Mapping) -> dict[str, Any]:
    """Classes, palette and thing classes of a config's data set, as far as they do not need its files."""
    for phase in ('test', 'val', 'train'):
        dataset: Any = next(inner_configs((config.get(f'{phase}_dataloader') or {}).get('dataset')), {})
        if 'type' not in dataset:
            continue
        try:
            meta = DATASETS.build({**dataset, 'lazy_init': True, 'pipeline': []}).metainfo
        except (FileNotFoundError, ValueError, KeyError, TypeError, AssertionError):
            continue  # its files are missing, or its type is unknown
        if meta.get('classes'):
            return dict(meta)
    return {}
