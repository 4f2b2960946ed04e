"""Weights of 16 bits in an ONNX file: half its size; a runtime widens them when it loads the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .packages import needed

SMALLEST = 1024  # numbers in a tensor that is worth it


def halve_weights(path: Path) -> None:
    """Store the large tensors of a file in 16 bits, each with a cast behind it; arithmetic keeps 32 bits.

    Raises:
        ImportError: The package onnx is not installed.
    """
    onnx: Any = needed('onnx', extra='export')
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f'{name}_16_bits'))
        casts.append(onnx.helper.make_node('Cast', [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.save(model, str(path))
