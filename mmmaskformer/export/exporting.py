"""Exports a model: a folder with the graph, its metadata, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..inference.model_loading import ModelLike, load_model
from ..inference.settings import test_cfg_for
from ..runtime.metadata import FILE
from .check import compare
from .description import describe, sha256_of, with_labels
from .formats import FILES, FORMATS, OPSET, add_metadata, record, write_onnx, write_openvino, write_torch
from .free_windows import free_windows
from .graph import ExportedModel, example_images
from .half import halve_weights
from .quantise import quantize_onnx, quantize_openvino
from .readme import write_readme
from .same_padding import constant_padding

RECORDED = 128, 160  # a size that no two sides of feature maps share
OTHER = 96, 136


@dataclass(frozen=True)
class Settings:
    """How to export.

    Attributes:
        to: ``'onnx'``, ``'torch'`` or ``'openvino'``.
        tasks: Results wanted; None for those of the model's ``test_cfg``.
        size: Height and width of the graph's input; None accepts any.
        batch: Number of images; None accepts any.
        precision: ``'fp32'``, ``'fp16'`` or ``'int8'``.
        calibrate: Folder of images that ``'int8'`` is calibrated on.
        opset: ONNX's version of operators.
    """

    to: str = 'onnx'
    tasks: Sequence[str] | None = None
    size: tuple[int, int] | None = None
    batch: int | None = None
    precision: str = 'fp32'
    calibrate: str | Path | None = None
    opset: int = OPSET

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            ValueError: Names the setting.
        """
        if self.to not in FORMATS:
            raise ValueError(f'The format {self.to!r} is unknown: choose from {", ".join(FORMATS)}.')
        if self.precision == 'int8' and self.calibrate is None:
            raise ValueError('int8 needs images to calibrate on: add --calibrate FOLDER.')
        if self.precision != 'int8' and self.calibrate is not None:
            raise ValueError('--calibrate is for int8: add --int8, or leave it out.')
        if self.precision != 'fp32' and self.to == 'torch':
            raise ValueError(
                f'{self.precision} is for onnx and openvino: torch.export keeps the types of the model. '
                'Choose --to onnx, or leave it out.'
            )
        if (self.size is not None and min(self.size) < 32) or (self.batch or 1) < 1:
            raise ValueError('--size must be 32 pixels or more on each side, and --batch 1 or more.')


def export_model(
    model: ModelLike,
    weights: str | Path | None,
    out: str | Path,
    settings: Settings = Settings(),
    classes: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Write a folder that `mmmaskformer.runtime.Segmenter` reads.

    Args:
        model: As `MaskFormerInferencer`.
        weights: As `MaskFormerInferencer`.
        out: The folder; files of the same names are replaced.
        settings: How.
        classes: As `MaskFormerInferencer`.

    Returns:
        How far graph and model are apart: see `check.compare`.

    Raises:
        ValueError: The model cannot be exported, or not so.
        ImportError: A package is missing; the message has the line that installs it.

    Example:
        >>> export_model('maskformer_r18_toy', 'work_dirs/toy/iter_600.pth', 'exported')
        {'label_map': 1.0, 'class_logits': 1.2e-06, 'mask_logits': 4.0e-06}
    """
    settings.check()
    loaded = load_model(model, weights, classes)
    test_cfg = test_cfg_for(settings.tasks, loaded.model, loaded.meta)
    name = model if isinstance(model, str | Path) else getattr(loaded.config, 'filename', None)
    source = dict(
        config=None if name is None else str(name), weights=None if weights is None else Path(weights).name
    )
    source['sha256'] = sha256_of(weights)
    metadata = describe(loaded.model, loaded.config, loaded.meta, test_cfg, source)
    metadata.update(format=settings.to, file=FILES[settings.to], precision=settings.precision)
    metadata['opset'] = settings.opset if settings.to == 'onnx' else None
    _fix_sizes(metadata['input'], settings)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    graph = ExportedModel(loaded.model, with_labels(metadata['postprocess'])).eval()
    _write_graph(graph, folder, metadata, settings)
    metadata['check'] = compare(
        graph, folder / metadata['file'], metadata['outputs'], _test_images(settings, graph)
    )
    if settings.to == 'onnx':
        add_metadata(folder / metadata['file'], metadata)
    (folder / FILE).write_text(json.dumps(metadata, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    write_readme(folder, metadata)
    return metadata['check']


def _fix_sizes(described: dict[str, Any], settings: Settings) -> None:
    described['size'] = None if settings.size is None else list(settings.size)
    described['batch'] = settings.batch


def _write_graph(graph: ExportedModel, folder: Path, metadata: Mapping[str, Any], settings: Settings) -> None:
    """Record the model, and write it in the format."""
    size = settings.size or RECORDED
    images = example_images(settings.batch or 2, size)
    with constant_padding(graph, graph.padding.divisor), free_windows(graph):
        program = record(graph, images, settings.size is None, settings.batch is None)
    path, outputs = folder / metadata['file'], metadata['outputs']
    if settings.to == 'torch':
        write_torch(program, path)
        return
    onnx_path = path.with_suffix('.onnx')
    write_onnx(program, onnx_path, outputs, settings.opset)
    if settings.to == 'openvino':
        if settings.calibrate is None:
            write_openvino(onnx_path, path, settings.precision == 'fp16')
        else:
            quantize_openvino(onnx_path, path, settings.calibrate, metadata['input'])
        onnx_path.unlink()
    elif settings.calibrate is not None:
        quantize_onnx(path, settings.calibrate, metadata['input'])
    elif settings.precision == 'fp16':
        halve_weights(path)


def _test_images(settings: Settings, graph: ExportedModel) -> list[Tensor]:
    """Pixels of other sizes and numbers of images than those that were recorded, where they are free."""
    if settings.size is not None:
        return [
            example_images(settings.batch or number, settings.size)
            for number in (1, 2)[: 1 + (not settings.batch)]
        ]
    sizes = (RECORDED, OTHER)
    return [example_images(settings.batch or number, size) for number, size in zip((2, 1), sizes)]
