"""Metafiles: what is known of each config, in the format that MMEngine and mim read.

``Results`` and ``Weights`` are written by hand, in the metafile; all else comes from the configs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.fileio import dump
from mmengine.utils import track_iter_progress

from .description import COLLECTIONS, Size, collection_of, describe, input_size, measure

METAFILE = 'metafile.yml'
INDEX = 'model-index.yml'
BY_HAND = ('Results', 'Weights')
SIZES = ('Parameters', 'FLOPs')
FLOPS_UNIT = 10**8


def zoo_folders(root: Path) -> list[Path]:
    """The folders of configs below ``root``, bases left out; those of the main models come first."""
    found = {path.parent for path in (root / 'configs').glob('*/*.py') if path.parent.name != '_base_'}
    order = [*COLLECTIONS, *sorted(folder.name for folder in found)]
    return sorted(found, key=lambda folder: order.index(folder.name))


def long_names(folder: Path) -> list[Path]:
    """The configs of a folder; those that merely inherit another are short names of it, and are left out."""
    return [path for path in sorted(folder.glob('*.py')) if inherits_alone(path) is None]


def inherits_alone(path: Path) -> str | None:
    """The name of the config that a config is a short name of, if it is one."""
    match = re.fullmatch(r"_base_ = '\./(.+)\.py'\s*", path.read_text())
    return match[1] if match else None


def read_metafile(folder: Path) -> dict[str, Any]:
    """The metafile of a folder, empty if there is none yet."""
    path = folder / METAFILE
    return yaml.safe_load(path.read_text(encoding='utf-8')) if path.is_file() else {}


def read_models(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The models of each folder's metafile, by the folder's name."""
    return {folder.name: read_metafile(folder).get('Models', []) for folder in zoo_folders(root)}


def update_metafiles(root: Path, remeasure: bool = True) -> None:
    """Write every metafile and the index of them anew from the configs; what is written by hand stays.

    Args:
        root: Folder with ``configs``.
        remeasure: Count parameters and operations of all models, not only of those that lack them.
    """
    folders = zoo_folders(root)
    paths = [path for folder in folders for path in long_names(folder)]
    known = {model['Name']: model for folder in folders for model in read_metafile(folder).get('Models', [])}
    measured: dict[str, Size] = {}
    entries: dict[Path, list[dict]] = {folder: [] for folder in folders}
    for path in track_iter_progress(paths):
        old = known.get(path.stem, {})
        sizes = {key: value for key, value in old.get('Metadata', {}).items() if key in SIZES}
        sizes = sizes if len(sizes) == len(SIZES) and not remeasure else _sizes(_measured(path, measured))
        entries[path.parent].append(entry_of(path, sizes, old))
    for folder, models in entries.items():
        content = {**read_metafile(folder), 'Models': models}
        dump(content, str(folder / METAFILE), sort_keys=False, width=200)
    imports = [(folder / METAFILE).relative_to(root).as_posix() for folder in folders]
    dump({'Import': imports}, str(root / INDEX), sort_keys=False)


def _sizes(size: Size) -> dict[str, int]:
    operations = round(size.multiply_adds / FLOPS_UNIT) * FLOPS_UNIT
    return dict(zip(SIZES, (size.parameters, operations)))


def entry_of(path: Path, sizes: dict[str, int], old: dict[str, Any]) -> dict[str, Any]:
    """The entry of a config in its metafile.

    Args:
        path: The config.
        sizes: ``Parameters`` and ``FLOPs`` (multiply-adds) of its model.
        old: Its entry so far, which keeps what is written by hand.
    """
    short = [other.stem for other in sorted(path.parent.glob('*.py')) if inherits_alone(other) == path.stem]
    return {
        'Name': path.stem,
        'In Collection': collection_of(path.stem),
        'Config': path.relative_to(path.parents[2]).as_posix(),
        **({'Alias': short} if short else {}),
        'Metadata': {**describe(path), **sizes},
        **{key: old[key] for key in BY_HAND if key in old},
    }


def _measured(path: Path, known: dict[str, Size]) -> Size:
    """The size of a config's model; ``known`` remembers those of equal models."""
    config = Config.fromfile(path)
    config.model.backbone.pop('init_cfg', None)
    model = repr((config.model.backbone, config.model.decode_head, input_size(config)))
    if model not in known:
        known[model] = measure(config)
    return known[model]
