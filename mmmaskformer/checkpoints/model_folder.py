"""A model of this package in a folder, as it lies on the hub: weights, config and the names of its classes.

``model.safetensors`` has the tensors, ``config.py`` the config as plain values (its text is parsed, not run),
``config.json`` what other programs look for: the library, the head, and the classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from mmengine.config import Config
from torch import Tensor

from ..version import __version__
from .config_of_checkpoint import read_config_text
from .publishing import publish_weights
from .reading import naming_the_checkpoint

LIBRARY = 'mmmaskformer'
META_KEYS = ('classes', 'palette', 'thing_classes', 'stuff_classes', 'category_ids')
LEFT_OUT = ('work_dir', 'visualizer', 'vis_backends', 'launcher', 'resume', 'log_level', 'filename')


def meta_of_folder(path: str | Path) -> dict[str, Any]:
    """``cfg`` and ``dataset_meta`` of a folder that `write_model_folder` wrote; of all else empty."""
    folder = Path(path)
    if not (folder / 'config.json').is_file() or not (folder / 'config.py').is_file():
        return {}
    with naming_the_checkpoint(folder / 'config.json'):
        settings = json.loads((folder / 'config.json').read_text(encoding='utf-8'))
        if settings.get('library_name') != LIBRARY:
            return {}
        text = (folder / 'config.py').read_text(encoding='utf-8')
        return dict(cfg=text, dataset_meta=_checked(settings['dataset_meta']))


def _checked(meta: Any) -> dict[str, Any]:
    names = meta['classes']
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'its classes are not a list of names: {names!r:.80}')
    return {key: meta[key] for key in META_KEYS if key in meta}


def write_model_folder(
    folder: str | Path,
    state: Mapping[str, Tensor],
    config: Config,
    meta: Mapping[str, Any],
    notes: Mapping[str, str],
    half: bool = False,
) -> None:
    """Write a model as `meta_of_folder` and the inferencer read it.

    Args:
        folder: Where to; created if needed.
        state: Tensors under the names of this package.
        config: Its config; local paths in it are shortened, see `portable_config`.
        meta: Metainfo of the classes.
        notes: For the header of the weights.
        half: Store matrices as float16.

    Raises:
        ValueError: The weights cannot be written, or the config has more than plain values.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    publish_weights(state, place / 'model.safetensors', notes, half)
    text = portable_config(config).pretty_text
    read_config_text(text, 'the training')  # what is written can be read
    (place / 'config.py').write_text(text, encoding='utf-8')
    kept = {key: plain(meta[key]) for key in META_KEYS if meta.get(key) is not None}
    settings = dict(
        library_name=LIBRARY,
        model_type=LIBRARY,
        architectures=[str(config.model.decode_head.type).rpartition('.')[2]],
        version=__version__,
        id2label={str(number): name for number, name in enumerate(kept.get('classes', ()))},
        dataset_meta=kept,
    )
    listed = json.dumps(settings, indent=2, ensure_ascii=False) + '\n'
    (place / 'config.json').write_text(listed, encoding='utf-8')


def portable_config(config: Config) -> Config:
    """The config without what belongs to one machine.

    Absolute paths are shortened to their last part, and the work dir, the trackers of experiments (which may
    hold names of accounts) and the like are left out.
    """
    return Config({key: _portable(value) for key, value in config.to_dict().items() if key not in LEFT_OUT})


def _portable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _portable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_portable(inner) for inner in value)
    return last_part(value) if isinstance(value, str) else value


def last_part(text: str) -> str:
    """The last part of an absolute path, or of one below the home folder; all else as it is."""
    if text.startswith(('/', '~')) and len(text) > 1:
        return PurePosixPath(text).name or text
    if PureWindowsPath(text).drive and '://' not in text:
        return PureWindowsPath(text).name or text
    return text


def plain(value: Any) -> Any:
    """Values as JSON takes them: arrays and tuples as lists."""
    if hasattr(value, 'tolist'):
        return value.tolist()
    return [plain(inner) for inner in value] if isinstance(value, list | tuple | set | frozenset) else value
