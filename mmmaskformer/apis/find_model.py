"""From a config or a checkpoint to a model that is ready to predict."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from ..checkpoints import build_model, load_strictly
from .classes import choose_meta, dataset_meta
from .find_config import find_config, read_config_text

CHECKPOINT_SUFFIXES = ('.pth', '.pt', '.pkl')


class LoadedModel(NamedTuple):
    """A model, its config, and what is known of its classes."""

    model: nn.Module
    config: Config
    meta: dict[str, Any]


def load_model(
    model: str | Path | Config | nn.Module | None, weights: str | Path | None, classes: Mapping | None = None
) -> LoadedModel:
    """Find or build a model, and load its weights.

    Args:
        model: Config, or its path or name; or a built model, whose ``cfg`` is its config; or None, for the
            config that a checkpoint of MMEngine's runner carries.
        weights: Path or URL of a checkpoint.
        classes: Metainfo (``classes``, ``palette``, ``thing_classes``), which has precedence over that of the
            model, the checkpoint and the config.

    Raises:
        FileNotFoundError: A file or a name is not known.
        ValueError: Weights and model do not fit, or there is nothing to build.
    """
    if weights is None and isinstance(model, str | Path) and str(model).endswith(CHECKPOINT_SUFFIXES):
        model, weights = None, model
    checkpoint = {} if weights is None else read_checkpoint(weights)
    known = checkpoint.get('meta') or {}
    if isinstance(model, nn.Module):
        built, config = model, Config(dict(getattr(model, 'cfg', None) or {}))
    else:
        config = _config(model, weights, known)
        init_default_scope(config.get('default_scope', 'mmseg'))
        built = revert_sync_batchnorm(build_model(config))
    init_default_scope(config.get('default_scope', 'mmseg'))
    if weights is not None:
        load_strictly(built, _state(checkpoint), weights)
    elif not isinstance(model, nn.Module):
        print_log('No weights were given: the model predicts at random.', 'current', logging.WARNING)
    metas = [known.get('dataset_meta'), getattr(built, 'dataset_meta', None)]
    if isinstance(model, nn.Module):
        metas.reverse()
    meta = choose_meta(built, [classes, *metas, dataset_meta(config)])
    return LoadedModel(built.eval(), config, meta)


def read_checkpoint(weights: str | Path) -> dict[str, Any]:
    """The checkpoint in a file or behind a URL.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It cannot be read.
    """
    try:
        checkpoint = CheckpointLoader.load_checkpoint(str(weights), map_location='cpu')
    except FileNotFoundError:
        raise FileNotFoundError(f'The checkpoint {weights} does not exist: give another path.') from None
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f'{weights} cannot be read as a checkpoint ({reason}).') from None
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{weights} is no checkpoint: it holds a {type(checkpoint).__name__}.')
    return checkpoint


def _state(checkpoint: Mapping) -> dict[str, Any]:
    state = checkpoint.get('state_dict', checkpoint)
    return {name.removeprefix('module.'): tensor for name, tensor in state.items()}


def _config(model: str | Path | Config | None, weights: str | Path | None, known: Mapping) -> Config:
    if isinstance(model, Config):
        return model
    if model is not None:
        return find_config(model)
    if weights is None:
        raise ValueError('There is nothing to predict with: give a model (a config), weights, or both.')
    if not known.get('cfg'):
        raise ValueError(f'{weights} does not carry its config: give model as well, for example r50_ade20k.')
    if isinstance(known['cfg'], str):
        return read_config_text(known['cfg'], str(weights))
    return Config(dict(known['cfg']))
