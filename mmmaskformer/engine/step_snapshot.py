"""Snapshot of a training step: all inputs of its forward pass, in a file that loads without running code."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmseg.structures import SegDataSample

from ..checkpoints import safe_load
from .checkpoint_files import AtomicBackend

KINDS: dict[str, type] = {cls.__name__: cls for cls in (SegDataSample, PixelData, InstanceData)}
KIND = '__data_element__'
VERSION = 1


def write_snapshot(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a snapshot; data samples become plain dicts, and objects without a plain form become text."""
    buffer = io.BytesIO()
    torch.save(dict(_plain(content), version=VERSION), buffer)
    AtomicBackend().put(buffer.getvalue(), path)


def read_snapshot(path: str | Path) -> dict[str, Any]:
    """What :func:`write_snapshot` wrote, with data samples, on the CPU.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is not a snapshot.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'no snapshot at {path}: check the path')
    content = safe_load(path)
    if not isinstance(content, dict) or content.get('version') != VERSION or 'data' not in content:
        raise ValueError(f'{path} is not a snapshot of a training step: expected a file of FiniteLossHook')
    return _restored(content)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseDataElement):
        kind = next((name for name, cls in KINDS.items() if isinstance(value, cls)), 'PixelData')
        return {
            KIND: kind,
            'metainfo': _plain(dict(value.metainfo_items())),
            'data': _plain(dict(value.items())),
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    return value if isinstance(value, str | int | float | None) else _as_tensor_or_text(value)


def _as_tensor_or_text(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(np.ascontiguousarray(value))
    return repr(value)


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and KIND in value:
        return KINDS[value[KIND]](metainfo=value['metainfo'], **_restored(value['data']))
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(item) for item in value)
    return value


def images_of(data: Mapping[str, Any]) -> list[str]:
    """Paths of the images of a batch, where its samples have them."""
    samples: Sequence = data.get('data_samples') or ()
    metas = [getattr(sample, 'metainfo', {}) for sample in samples]
    return [str(meta.get('img_path', f'image {i} of the batch')) for i, meta in enumerate(metas)]
