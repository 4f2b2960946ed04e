"""The description of an exported model, which lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .segments import Classes

FORMAT_VERSION = 1
FILE = 'metadata.json'


def read_metadata(folder: Path) -> dict[str, Any]:
    """The content of ``metadata.json``.

    Raises:
        FileNotFoundError: The folder, or its metadata, does not exist.
        ValueError: The file is not of a model that this version reads.
    """
    path = folder / FILE
    if not folder.is_dir():
        raise FileNotFoundError(
            f'The folder {folder} does not exist: give the folder that export has written.'
        )
    if not path.is_file():
        raise FileNotFoundError(
            f'{folder} has no {FILE}: give the folder that `mmmaskformer export` has written.'
        )
    try:
        metadata = json.loads(path.read_text(encoding='utf-8'))
        version = metadata['format_version']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} is not the description of an exported model ({error}).') from None
    if version != FORMAT_VERSION:
        raise ValueError(
            f'{path} has format_version {version}, but this runtime reads {FORMAT_VERSION}: install the '
            f'version of mmmaskformer-runtime that fits, or export the model again.'
        )
    return metadata


def classes_of(metadata: dict[str, Any]) -> Classes:
    """The classes of an exported model."""
    names, things = tuple(metadata['classes']), metadata['things']
    return Classes(
        names=names,
        palette=metadata['colors'],
        things=None if things is None else frozenset(name for name, thing in zip(names, things) if thing),
        category_ids=tuple(metadata['category_ids']),
    )
