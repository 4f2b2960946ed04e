"""Runs the exported graph and the model, and compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..runtime.sessions import open_session
from .graph import LABEL_MAP


def compare(
    graph: nn.Module, path: Path, outputs: Sequence[str], images: Sequence[Tensor]
) -> dict[str, float]:
    """How far the outputs of a file are from the model's.

    Args:
        graph: The model.
        path: The exported file.
        outputs: Names of the outputs.
        images: Pixels ``(N, H, W, 3)`` uint8 of each run.

    Returns:
        For each output of logits the largest difference divided by the largest absolute value; for the label
        map the part of the pixels that agree; the worst run counts.
    """
    run = runner(path, outputs)
    figures: dict[str, float] = {}
    for image in images:
        with torch.no_grad():
            expected = dict(zip(outputs, graph(image)))
        found = dict(zip(outputs, run(image)))
        for name in outputs:
            value = difference(name, expected[name].numpy(), found[name])
            worst = min if name == LABEL_MAP else max
            figures[name] = worst(figures.get(name, value), value)
    return figures


def difference(name: str, expected: np.ndarray, found: np.ndarray) -> float:
    """See `compare`.

    Raises:
        ValueError: The shapes are different.
    """
    if expected.shape != found.shape:
        raise ValueError(
            f'The output {name} of the exported graph has shape {found.shape}, the model {expected.shape}: '
            'this model cannot be exported with these sizes; try a fixed --size.'
        )
    if name == LABEL_MAP:
        return float((expected == found).mean())
    scale = max(float(np.abs(expected).max()), 1e-12)
    return float(np.abs(expected - found.astype(np.float32)).max()) / scale


def runner(path: Path, outputs: Sequence[str]) -> Any:
    """A function from pixels to the outputs of an exported file."""
    if path.suffix == '.pt2':
        module = torch.export.load(str(path)).module()

        def run(image: Tensor) -> list[np.ndarray]:
            with torch.no_grad():
                return [output.float().numpy() for output in module(image)]

        return run
    session = open_session(path)
    return lambda image: session.run(list(outputs), image.numpy())


def sentences(figures: Mapping[str, float]) -> list[str]:
    """The figures for people."""
    return [
        f'{name}: {value:.3%} of pixels agree'
        if name == LABEL_MAP
        else f'{name}: relative difference {value:.1e}'
        for name, value in figures.items()
    ]
