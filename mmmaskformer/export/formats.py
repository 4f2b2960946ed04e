"""Writes a recorded graph: ONNX, torch.export, OpenVINO."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .packages import needed

OPSET = 18
OLDEST_IR, NEWEST_OPSET_OF_IT = 9, 20  # version of the file format that onnxruntime 1.17 reads
OLDEST_TORCH = 2, 6
FORMATS = ('onnx', 'torch', 'openvino')
FILES = dict(onnx='model.onnx', torch='model.pt2', openvino='model.xml')
METADATA_KEY = 'mmmaskformer'


def record(graph: nn.Module, image: Tensor, dynamic_size: bool, dynamic_batch: bool) -> Any:
    """The operations of a model as a ``torch.export.ExportedProgram``.

    Args:
        graph: The model, in evaluation mode.
        image: Pixels ``(N, H, W, 3)`` uint8 to record with.
        dynamic_size: Whether other heights and widths are accepted.
        dynamic_batch: Whether other numbers of images are accepted; N must be two or more then.

    Raises:
        ValueError: PyTorch cannot record the model for free sizes.
    """
    _check_torch()
    free = torch.export.Dim.DYNAMIC
    dims = {axis: free for axis, is_free in enumerate((dynamic_batch, dynamic_size, dynamic_size)) if is_free}
    try:
        with torch.no_grad(), quiet():
            return torch.export.export(
                graph,
                (image,),
                dynamic_shapes=(dims,) if dims else None,
                strict=False,
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except (ValueError, RuntimeError) as error:
        if not dims:
            raise
        raise ValueError(_not_free(error, dynamic_size)) from error


def _not_free(error: Exception, dynamic_size: bool) -> str:
    reason = str(error).strip().splitlines()[-1]
    fix = '--size HEIGHT WIDTH --batch 1' if dynamic_size else '--batch 1'
    return f'PyTorch cannot record this model for free sizes ({reason}): add {fix}, or other numbers.'


def _check_torch() -> None:
    if tuple(int(part) for part in torch.__version__.split('.')[:2]) < OLDEST_TORCH:
        raise ImportError(
            f'Exporting needs torch {".".join(map(str, OLDEST_TORCH))} or newer, not {torch.__version__}: '
            'pip install --upgrade torch torchvision.'
        )


def write_onnx(program: Any, path: Path, outputs: Sequence[str], opset: int = OPSET) -> None:
    """Write ``model.onnx``.

    Raises:
        ImportError: The packages are not installed.
    """
    needed('onnx', 'onnxscript', extra='export')
    with torch.no_grad(), quiet():
        onnx_program = torch.onnx.export(
            program,
            dynamo=True,
            input_names=['image'],
            output_names=list(outputs),
            opset_version=opset,
            verbose=False,
        )
        assert onnx_program is not None
        onnx_program.save(str(path))
    _tidy(path, opset)


def _tidy(path: Path, opset: int) -> None:
    """Let old versions read the file; drop the stack traces that the exporter attaches to every operation."""
    onnx = needed('onnx', extra='export')
    model = onnx.load(str(path))
    graph = model.graph
    for entry in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del entry.metadata_props[:]
        entry.doc_string = ''
    if opset <= NEWEST_OPSET_OF_IT:
        model.ir_version = min(model.ir_version, OLDEST_IR)
    onnx.save(model, str(path))


def add_metadata(path: Path, metadata: Mapping[str, Any]) -> None:
    """Put the metadata into an ONNX file."""
    onnx = needed('onnx', extra='export')
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata, separators=(',', ':'))})
    onnx.save(model, str(path))


def write_torch(program: Any, path: Path) -> None:
    """Write ``model.pt2``, which ``torch.export.load`` reads."""
    torch.export.save(program, str(path))


def write_openvino(onnx_path: Path, path: Path, half: bool) -> None:
    """Write ``model.xml`` and ``model.bin`` from an ONNX file.

    Raises:
        ImportError: OpenVINO is not installed.
    """
    openvino = needed('openvino', extra='openvino')
    openvino.save_model(openvino.convert_model(str(onnx_path)), str(path), compress_to_fp16=half)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the exporters' warnings, which do not concern users."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(logging.NOTSET)
