"""`look_at`: recognises the format of a folder, and describes what it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..image_headers import ImageHeader, read_header
from .binary_masks import read_binary_masks
from .coco import read_coco
from .contents import FolderContents, FolderError, Reading, Sample, counts_of, splits_of
from .cvat import read_cvat
from .file_tree import FileTree
from .known_layouts import read_ade20k, read_cityscapes
from .label_maps import read_label_maps
from .labelme import read_labelme
from .objects import ObjectReading, as_label_maps
from .supervisely import read_supervisely
from .voc import read_voc, read_voc_objects
from .yolo import read_yolo

READERS: tuple[Callable[[FileTree], Reading | None], ...] = (
    read_cityscapes,
    read_coco,
    read_cvat,
    read_yolo,
    read_supervisely,
    read_labelme,
    read_voc_objects,
    read_voc,
    read_ade20k,
    read_binary_masks,
    read_label_maps,
)
"""Each returns None for a folder of another format; those of the most particular files come first."""
SUPPORTED = (
    'label maps (PNG), one mask for each class or object, COCO, Pascal VOC, Labelme, CVAT for images, YOLO '
    'with polygons, Supervisely, Cityscapes or ADE20K'
)
NUM_HEADERS = 200
"""Images whose headers are read for sizes and channels."""


def look_at(folder: str | Path, task: str | None = None) -> FolderContents:
    """Recognise the format of a folder, and describe what it holds.

    Args:
        folder: The folder with images and annotations.
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``, where a folder has annotations of
            several kinds; None takes those that allow most.

    Raises:
        FolderError: Nothing in it is annotated in a supported format, or its annotations contradict each
            other; the message says what was seen.

    Example:
        >>> found = look_at('data/street')
        >>> found.format, found.task, [entry.name for entry in found.classes]
        ('label maps', 'semantic', ['road', 'car'])
        >>> found.prepare('work_dirs/street/data').dataset('train')
        {'type': 'mmmaskformer.ListedLabelMapsDataset', 'data_root': '/home/me/data/street', ...}
    """
    tree = FileTree(folder)
    reading = _first(tree, task)
    if reading is None:
        raise FolderError(
            f'{tree.root} holds {_seen(tree)}, and no annotations in a known format: expected {SUPPORTED}; '
            'docs/formats.md shows how each is laid out.'
        )
    if not reading.samples:
        raise FolderError(f'{tree.root}: no image has an annotation: {counts_of(reading.left_out)}.')
    headers = _headers(tree, reading.samples)
    numbers = [sample.num_segments for sample in reading.samples]
    return FolderContents(
        format=reading.format,
        task=reading.task,
        classes=reading.classes,
        splits=splits_of(reading.samples),
        image_sizes=[header.shown for header in headers],
        segments_per_image=(float(np.median(numbers)), max(numbers)),
        num_channels=max((header.channels for header in headers), default=3),
        left_out=counts_of(reading.left_out),
        notes=[*reading.notes, *_channel_notes(headers)],
        root=tree.root,
        reading=reading,
    )


def _first(tree: FileTree, task: str | None) -> Reading | None:
    """What the first reader finds that knows the format and, if one is given, has annotations of the task."""
    seen = []
    for reader in READERS:
        reading = reader(tree)
        if task == 'semantic' and isinstance(reading, ObjectReading):
            return as_label_maps(reading)
        if reading is not None and task in (None, reading.task):
            return reading
        seen += [] if reading is None else [f'{reading.format} ({reading.task})']
    if seen:
        raise FolderError(
            f'{tree.root} has {", ".join(seen)}, and nothing for task={task!r}: leave the task out.'
        )
    return None


def _headers(tree: FileTree, samples: Sequence[Sample]) -> list[ImageHeader]:
    """Headers of evenly spaced images."""
    places = np.unique(np.linspace(0, len(samples) - 1, NUM_HEADERS).round().astype(int)).tolist()
    return [read_header(str(tree.root / samples[place].image)) for place in places]


def _channel_notes(headers: Sequence[ImageHeader]) -> list[str]:
    kinds = sorted({(header.channels, header.bits) for header in headers})
    notes = []
    if any(bits > 8 for _, bits in kinds):
        notes.append(
            f'Images have up to {max(bits for _, bits in kinds)} bits a channel: docs/channels.md says how '
            'all of them are used.'
        )
    if len({channels for channels, _ in kinds}) > 1:
        counts = ', '.join(map(str, sorted({channels for channels, _ in kinds})))
        notes.append(f'Images have different numbers of channels ({counts}).')
    return notes


def _seen(tree: FileTree) -> str:
    kinds: dict[str, int] = {}
    for path in tree.files:
        suffix = Path(path).suffix.lower() or 'without suffix'
        kinds[suffix] = kinds.get(suffix, 0) + 1
    most = sorted(kinds.items(), key=lambda item: -item[1])[:5]
    return f'{len(tree.files)} files ({", ".join(f"{number} {suffix}" for suffix, number in most)})'
