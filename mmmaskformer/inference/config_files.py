"""Find and read configs, and take their parts: data sets inside wrappers, metrics, types."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    MODELS,
    TASK_UTILS,
    TRANSFORMS,
    WEIGHT_INITIALIZERS,
)

from ..checkpoints.config_of_checkpoint import FOLDERS

NEEDED = ('model', 'test_pipeline', 'test_dataloader')
BUILT = (*NEEDED, 'val_dataloader', 'train_dataloader')


def find_config(name: str | Path) -> Config:
    """The config of a path or of a name.

    Args:
        name: Path of a file, or the name of a config of this project: ``'r50_ade20k'`` (MaskFormer's, where
            several systems have that name), ``'mask2former_r50_ade20k'``, ``'toy/maskformer_r18_toy'``,
            ``'mmmaskformer::maskformer/r50_ade20k.py'``.

    Raises:
        FileNotFoundError: No config has that name; the message lists similar names.
        ValueError: Several configs have that name.
    """
    return read_config(_find_path(name))


def zoo_weights(name: str | Path) -> str | None:
    """Address of the weights that the zoo has for a config, None if it has none.

    Args:
        name: As for `find_config`.
    """
    path = _find_path(name)
    metafile = path.parent / 'metafile.yml'
    models = yaml.safe_load(metafile.read_text(encoding='utf-8'))['Models'] if metafile.is_file() else []
    named = (model for model in models if path.stem in (model['Name'], *model.get('Alias', ())))
    return next((model.get('Weights') for model in named), None)


def _find_path(name: str | Path) -> Path:
    if Path(name).is_file():
        return Path(name)
    bare_name = str(name).removeprefix('mmmaskformer::').removesuffix('.py')
    paths = config_names()
    stems: dict[str, list[str]] = {}
    for full_name in paths:
        stems.setdefault(full_name.rsplit('/', 1)[-1], []).append(full_name)
        stems.setdefault(full_name.replace('/', '_'), []).append(full_name)
    matches = [bare_name] if bare_name in paths else stems.get(bare_name, [])
    own = [name for name in matches if name.startswith('maskformer/')]
    if len(own or matches) == 1:
        return paths[(own or matches)[0]]
    if matches:
        raise ValueError(f'Several configs are called {name}: give one of {", ".join(matches)}.')
    similar = difflib.get_close_matches(bare_name, [*stems, *paths], n=4, cutoff=0.4)
    hint = f'; did you mean {", ".join(similar)}?' if similar else '.'
    raise FileNotFoundError(f'{name} is neither a config file nor the name of a config of mmmaskformer{hint}')


def read_config(path: str | Path) -> Config:
    """Read a config file.

    Raises:
        ValueError: It is not a config.
        FileNotFoundError: The file, or a file that it inherits from, does not exist.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The config file {path} does not exist: check the path.')
    try:
        return Config.fromfile(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{path} inherits from {error.filename or error}, which does not exist.'
        ) from error
    except Exception as error:  # a config is code, and can raise anything
        reason = ' '.join(str(error).split())
        raise ValueError(f'{path} cannot be read as a config: {type(error).__name__}: {reason}') from error


def config_names() -> dict[str, Path]:
    """The configs of this project by their path below ``configs``, without suffix; bases are left out."""
    for folder in FOLDERS:
        if folder.is_dir():
            files = sorted(folder.rglob('*.py'))
            names = {file.relative_to(folder).with_suffix('').as_posix(): file for file in files}
            return {name: file for name, file in names.items() if not name.startswith('_base_/')}
    return {}


def registered_parts(config: Config, source: str) -> Config:
    """The parts of a checkpoint's config that prediction builds, if all their types are registered.

    MMEngine imports a ``type`` that is not registered as the path of a Python object, and calls it with the
    rest of the dict, so a config could run any code. A data set with such a type is dropped: prediction only
    takes the names of classes from it.

    Raises:
        ValueError: A type in the model or in the preparation of images is not registered.
    """
    unknown = {key: [name for name in _types(config.get(key)) if not _is_registered(name)] for key in BUILT}
    for key in NEEDED:
        if unknown[key]:
            raise ValueError(
                f'The config in {source} has the type {unknown[key][0]!r} in {key}, which is not registered, '
                'and types named in a checkpoint are not imported: give the config file as well.'
            )
    built = {key: config[key] for key in BUILT if key in config and not unknown[key]}
    scope = config.get('default_scope')
    return Config(dict(built, default_scope=scope) if scope in MODELS.children else built)


def _types(settings: Any) -> Iterator[Any]:
    if isinstance(settings, Mapping):
        yield from ([settings['type']] if 'type' in settings else [])
        settings = settings.values()
    elif not isinstance(settings, list | tuple):
        return
    for value in settings:
        yield from _types(value)


def _is_registered(name: Any) -> bool:
    scope, _, short = str(name).rpartition('.')
    return any(
        short in registry.module_dict
        for root in (MODELS, TASK_UTILS, DATASETS, DATA_SAMPLERS, TRANSFORMS, WEIGHT_INITIALIZERS)
        for registry in (root, *root.children.values())
        if scope in ('', registry.scope)
    )


def inner_configs(dataset: Mapping | None) -> Iterator[Any]:
    """The configs of the data sets inside wrappers such as ``ConcatDataset`` and ``RepeatDataset``."""
    if not isinstance(dataset, Mapping):
        return
    inner = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    if not inner:
        yield dataset
    for child in inner:
        yield from inner_configs(child)


def evaluators_of(setting: Any) -> list[Any]:
    """The configs of the metrics in ``test_evaluator`` or ``val_evaluator``; none if it is not set."""
    if isinstance(setting, list | tuple):
        return list(setting)
    return [setting] if setting else []


def type_name(config: Mapping) -> str:
    """Name of the class in ``type``, without its scope or module; ``''`` without one."""
    kind = config.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
