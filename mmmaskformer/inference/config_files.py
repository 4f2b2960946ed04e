"""Find and read configs, and take their parts: data sets inside wrappers, metrics, types."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
        name: Path of a file, or the name of a config of this project: ``'r50_ade20k'``,
            ``'toy/maskformer_r18_toy'``, ``'mmmaskformer::maskformer/r50_ade20k.py'``.

    Raises:
        FileNotFoundError: There is none of that name; names like it are listed.
        ValueError: There are several of that name.
    """
    if Path(name).is_file():
        return read_config(name)
    wanted = str(name).removeprefix('mmmaskformer::').removesuffix('.py')
    known = config_names()
    stems: dict[str, list[str]] = {}
    for full in known:
        stems.setdefault(full.rsplit('/', 1)[-1], []).append(full)
    found = [wanted] if wanted in known else stems.get(wanted, [])
    if len(found) == 1:
        return read_config(known[found[0]])
    if found:
        raise ValueError(f'There are several configs called {name}: say which of {", ".join(found)}.')
    near = difflib.get_close_matches(wanted, [*stems, *known], n=4, cutoff=0.4)
    hint = f'; did you mean {", ".join(near)}?' if near else '.'
    raise FileNotFoundError(f'{name} is neither a config file nor the name of a config of mmmaskformer{hint}')


def read_config(path: str | Path) -> Config:
    """Read a config file.

    Raises:
        ValueError: It is not a config.
        FileNotFoundError: There is no such file, or no file that it inherits from.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'There is no config file {path}: check the path.')
    try:
        return Config.fromfile(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{path} inherits from {error.filename or error}, which is not there.'
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


def only_what_is_built(config: Config, source: str) -> Config:
    """What prediction builds of a config that a checkpoint carries, refused if it would run other code.

    MMEngine takes a ``type`` that is in no registry for the path of any Python object, and calls it with the
    rest of the dict. So each must be registered; a whole data set, which tells no more than the classes, is
    left out otherwise.

    Raises:
        ValueError: A type in the model or in the preparation of images is not registered.
    """
    unknown = {key: [name for name in _types(config.get(key)) if not _is_registered(name)] for key in BUILT}
    for key in NEEDED:
        if unknown[key]:
            raise ValueError(
                f'The config in {source} has the type {unknown[key][0]!r} in {key}, which is not registered, '
                'and what a checkpoint names is not imported: give the config file as well.'
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
