"""How time and memory grow with segments, classes and the size of images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from measure import compare
from speed_losses import losses
from torch import Tensor

from mmmaskformer.functional.label_map_by_bands import semantic_label_map
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.structures import MaskPrediction

SEGMENTS = (1, 3, 10, 30, 100, 300)
CLASSES = (19, 150, 847)
SIDES = (256, 512, 1024)
NUM_QUERIES = 100


def measure(repeats: int, device: torch.device) -> dict[str, list[dict]]:
    """Rows of ``compare`` with ``x``, by what grows."""
    return {
        'segments': _grow(SEGMENTS, partial(_loss_pair, size=256), repeats, device),
        'classes': _grow(CLASSES, partial(_label_pair, side=512), repeats, device),
        'side of the image': _grow(
            SIDES, lambda side, device: _label_pair(150, device, side), repeats, device
        ),
    }


def _grow(values: tuple[int, ...], pair: Callable, repeats: int, device: torch.device) -> list[dict]:
    return [
        dict(x=value, **compare('growth', str(value), *pair(value, device=device), repeats, device))
        for value in values
    ]


def _loss_pair(segments: int, device: torch.device, size: int) -> tuple[Callable, Callable]:
    return losses(6 * segments, size, device)


def _label_pair(classes: int, device: torch.device, side: int) -> tuple[Callable, Callable]:
    """Label map from one prediction, by bands, and as MMSegmentation's head computes it."""
    class_logits = 3 * torch.randn(NUM_QUERIES, classes + 1, device=device)
    mask_logits = 4 * torch.randn(NUM_QUERIES, side // 4, side // 4, device=device)
    size = OutputSize((side, side), (side, side), (side, side))

    def ours() -> Tensor:
        return semantic_label_map(MaskPrediction(class_logits, mask_logits), size)

    def peer() -> Tensor:
        upsampled = torch.nn.functional.interpolate(
            mask_logits[None], size=size.padded, mode='bilinear', align_corners=False
        )
        class_prob = class_logits.softmax(-1)[None, :, :-1]
        return torch.einsum('bqc,bqhw->bchw', class_prob, upsampled.sigmoid())[0].argmax(0, keepdim=True)

    return ours, peer


def slope(rows: list[dict], key: str) -> float:
    """Exponent of growth: the least-squares slope in logarithms."""
    values = [(row['x'], max(row[key], 1e-3)) for row in rows]
    return float(np.polyfit(*np.log(np.array(values)).T, 1)[0])


def slopes(growth: dict[str, list[dict]]) -> str:
    """Markdown table of the exponents."""
    lines = ['| grows | time, ours | time, peer | memory, ours | memory, peer |', '|-|-|-|-|-|']
    for name, rows in growth.items():
        keys = ('ours_seconds', 'peer_seconds', 'ours_mib', 'peer_mib')
        lines.append(f'| {name} | ' + ' | '.join(f'{slope(rows, key):.2f}' for key in keys) + ' |')
    return 'Exponents of growth (time or memory ~ x^exponent):\n\n' + '\n'.join(lines)


def plot(growth: dict[str, list[dict]], path: Path) -> None:
    """Time above, memory below, a column for each thing that grows."""
    figure, axes = plt.subplots(2, len(growth), figsize=(4 * len(growth), 6), squeeze=False)
    for column, (name, rows) in zip(axes.T, growth.items()):
        for axis, key, unit in zip(column, ('seconds', 'mib'), ('s', 'MiB')):
            for who in ('ours', 'peer'):
                values = [max(row[f'{who}_{key}'], 1e-3) for row in rows]
                exponent = slope(rows, f'{who}_{key}')
                label = f'{who}, exponent {exponent:.2f}'
                axis.loglog([row['x'] for row in rows], values, marker='o', label=label)
            axis.set(xlabel=name, ylabel=unit)
            axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)
