"""Weights to give away: tensors alone, in a file that can hold no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .reading import import_safetensors, read_state_dict


def publish_weights(
    source: str | Path | Mapping[str, Tensor],
    destination: str | Path,
    notes: Mapping[str, str],
    half: bool = True,
) -> int:
    """Write the weights of a training as ``.safetensors``, without optimizer and logs.

    In half precision, matrices and kernels are stored as float16; vectors (biases, norms and their
    statistics) stay as they are.

    Args:
        source: A checkpoint, or tensors by name.
        destination: File to write.
        notes: What is to be known of the weights: config, data, score, license; kept in the file's header.
        half: Store in half precision.

    Returns:
        Size of the file in bytes.

    Raises:
        ValueError: A value is not finite, or too large for float16; or the suffix is not ``.safetensors``.

    Example:
        >>> publish_weights('work_dirs/run/iter_800.pth', 'model.safetensors', dict(license='Apache-2.0'))
    """
    path = Path(destination)
    if path.suffix != '.safetensors':
        raise ValueError(f'{destination} must end in .safetensors, the format that is written')
    state = read_state_dict(source) if isinstance(source, str | Path) else source
    tensors = {name: _stored(name, tensor, half) for name, tensor in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(import_safetensors().save(tensors, metadata={'format': 'pt', **notes}))
    return path.stat().st_size


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().clone(memory_format=torch.contiguous_format)  # of its own, if another shares it
    if not tensor.is_floating_point():
        return tensor
    halved = tensor.half() if half and tensor.ndim > 1 else tensor
    if not halved.isfinite().all():
        raise ValueError(f'{name} has values that are not finite, or too large for float16')
    return halved
