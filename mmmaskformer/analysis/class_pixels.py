"""Pixels of each class of the clothing set, and which classes are rare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from ..datasets.class_contents import class_counts
from ..datasets.clothing import CLASSES, GROUPS

FILE = 'class_pixels.json'

Pixels = Mapping[str, Mapping[str, int]]


def write_class_pixels(cfg: Config, folder: Path) -> None:
    """Write the pixels of the 59 classes in training and validation to ``class_pixels.json``, once.

    Args:
        cfg: Config of a model on the clothing set.
        folder: Created if needed.
    """
    path = folder / FILE
    if path.is_file():
        return
    init_default_scope(cfg.default_scope)
    counts = {}
    for phase in ('train', 'val'):
        dataset = dict(cfg[f'{phase}_dataloader'].dataset)
        dataset.pop('num_groups', None)
        pixels = class_counts(DATASETS.build(dataset), len(CLASSES), of_pixels=True)
        counts[phase] = dict(zip(CLASSES, pixels.tolist()))
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(counts, indent=1) + '\n')


def read_class_pixels(folder: Path, num_classes: int) -> dict[str, dict[str, int]]:
    """Pixels by ``'train'`` and ``'val'`` and by class, of the 59 classes or of groups of them.

    Raises:
        FileNotFoundError: `write_class_pixels` was not run.
    """
    counts: Pixels = json.loads((folder / FILE).read_text())
    groups = GROUPS.get(num_classes) or {name: [name] for name in CLASSES}
    return {
        phase: {group: sum(pixels[name] for name in names) for group, names in groups.items()}
        for phase, pixels in counts.items()
    }


def annotated_classes(pixels: Pixels) -> list[str]:
    """The classes that occur in the validation images: mIoU is their mean, as in the official evaluation."""
    return [name for name, number in pixels['val'].items() if number]


def rarest_third(pixels: Pixels) -> list[str]:
    """Of the classes that occur in training and validation, the third (rounded up) with fewest pixels.

    The pixels are those of training.
    """
    known = [name for name in annotated_classes(pixels) if pixels['train'][name]]
    return sorted(known, key=pixels['train'].__getitem__)[: -(-len(known) // 3)]
