"""Cityscapes: label maps of 19 classes, panoptic annotations as of cityscapesscripts, and objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..categories import Category, load_categories
from ..cityscapes import city_of
from ..id_maps import describe_segment
from .conversion import (
    check_labels,
    check_size,
    encode_png,
    read_map,
    require_files,
    run_jobs,
    write_atomically,
    write_json,
    write_map,
)
from .documents import describe_object, instance_document, panoptic_document

SPLITS = ('train', 'val', 'test')
LABELS = '{split}/{city}/{name}_gtFine_labelTrainIds.png'
PANOPTIC = 'cityscapes_panoptic_{split}/{name}_gtFine_panoptic.png'
INSTANCES = 'cityscapes_instance_{split}.json'
IMAGE = '_leftImg8bit.png'
NUM_LABELS = 34
"""Labels of Cityscapes, 0-33; 19 of them are evaluated."""
IGNORED_LABEL = 255
OBJECT = 1000
"""Label of an object's pixels: this times its class and its number; without objects, the class alone."""


class _Files(NamedTuple):
    image: Path
    labels: Path
    output: Path


def write_cityscapes_labels(
    root: str | Path, splits: Sequence[str] = ('train', 'val'), num_workers: int = 2
) -> dict[str, int]:
    """Write a ``*_gtFine_labelTrainIds.png`` beside each ``*_gtFine_labelIds.png``, unless it exists.

    Args:
        root: The folder with ``leftImg8bit`` and ``gtFine``.
        splits: Which of ``'train'``, ``'val'`` and ``'test'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: There are no images, or a map is missing.
        ValueError: A map has an unknown label, or differs in size from its image.
    """
    files = {split: _files(Path(root), split, 'labelIds', LABELS) for split in splits}
    for jobs in files.values():
        run_jobs(convert_labels, jobs, num_workers)
    return {split: len(jobs) for split, jobs in files.items()}


def convert_labels(files: _Files) -> None:
    """Write the label map of an image, classes 0-18 and 255."""
    if files.output.exists():
        return
    labels = read_map(files.labels)
    check_size(files.labels, labels.shape, files.image)
    check_labels(files.labels, labels, np.ones(NUM_LABELS, bool))
    table = np.full(NUM_LABELS, IGNORED_LABEL, np.uint8)
    for place, category in enumerate(_categories().values()):
        table[category.id] = place
    write_atomically(files.output, encode_png(table[labels]))


def write_cityscapes_panoptic(
    root: str | Path, splits: Sequence[str] = ('train', 'val'), num_workers: int = 2
) -> dict[str, int]:
    """Write ``gtFine/cityscapes_panoptic_SPLIT.json`` and the PNGs in ``gtFine/cityscapes_panoptic_SPLIT``.

    The content equals that of cityscapesscripts' ``createPanopticImgs``. Groups of objects are crowds.

    Args:
        root: The folder with ``leftImg8bit`` and ``gtFine``.
        splits: Which of ``'train'``, ``'val'`` and ``'test'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileExistsError: Output exists and differs.
        FileNotFoundError: There are no images, or a map is missing.
        ValueError: A map has an unknown label, or differs in size from its image.
    """
    files = {split: _files(Path(root), split, 'instanceIds', PANOPTIC) for split in splits}
    for jobs in files.values():
        folder = jobs[0].output.parent
        folder.mkdir(exist_ok=True)
        entries = run_jobs(convert_panoptic, jobs, num_workers)
        document = panoptic_document(entries, list(_categories().values()))
        write_json(folder.with_suffix('.json'), document)
    return {split: len(jobs) for split, jobs in files.items()}


def convert_panoptic(files: _Files) -> tuple[dict, dict]:
    """Write the id PNG of an image.

    Returns:
        Its entries among ``images`` and ``annotations``.
    """
    numbers = _read_numbers(files)
    ids = np.zeros_like(numbers)
    segments = []
    for number, category, mask in _segments(numbers):
        ids[mask] = number
        crowd = int(category.isthing and number < OBJECT)
        segments.append({**describe_segment(mask, number, category.id), 'iscrowd': crowd})
    write_map(files.output, np.stack([ids % 256, ids // 256, np.zeros_like(ids)], axis=-1).astype(np.uint8))
    return _entries(files, numbers.shape, segments)


def write_cityscapes_instances(
    root: str | Path, splits: Sequence[str] = ('train', 'val'), num_workers: int = 2
) -> dict[str, int]:
    """Write ``gtFine/cityscapes_instance_SPLIT.json``, the objects of 8 classes in COCO's format.

    Groups of objects are crowds: not trained on, and not counted as missed.

    Args:
        root: The folder with ``leftImg8bit`` and ``gtFine``.
        splits: Which of ``'train'``, ``'val'`` and ``'test'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileExistsError: Output exists and differs.
        FileNotFoundError: There are no images, or a map is missing.
        ValueError: A map has an unknown label, or differs in size from its image.
    """
    files = {split: _files(Path(root), split, 'instanceIds', INSTANCES) for split in splits}
    for jobs in files.values():
        entries = run_jobs(convert_instances, jobs, num_workers)
        write_json(jobs[0].output, instance_document(entries, load_categories('cityscapes_instance')))
    return {split: len(jobs) for split, jobs in files.items()}


def convert_instances(files: _Files) -> tuple[dict, list[dict]]:
    """The entry of an image among ``images``, and its objects."""
    numbers = _read_numbers(files)
    name = files.image.name
    image = dict(
        id=name.removesuffix(IMAGE),
        file_name=f'{files.image.parent.name}/{name}',
        width=numbers.shape[1],
        height=numbers.shape[0],
    )
    return image, [
        describe_object(mask, category.id, crowd=number < OBJECT)
        for number, category, mask in _segments(numbers, things_alone=True)
    ]


def _read_numbers(files: _Files) -> np.ndarray:
    """An instance map ``(H, W)`` int32, checked."""
    numbers = read_map(files.labels, dtype=np.uint16).astype(np.int32)
    check_size(files.labels, numbers.shape, files.image)
    labels = np.where(numbers < OBJECT, numbers, numbers // OBJECT)
    check_labels(files.labels, labels, np.ones(NUM_LABELS, bool))
    return numbers


def _segments(numbers: np.ndarray, things_alone: bool = False) -> Iterator[tuple[int, Category, np.ndarray]]:
    """Number, category and mask ``(H, W)`` of each segment of an evaluated class."""
    for number in np.unique(numbers).tolist():
        category = _categories().get(number if number < OBJECT else number // OBJECT)
        if category is not None and (category.isthing or not things_alone):
            yield number, category, numbers == number


def _entries(files: _Files, shape: tuple[int, ...], segments: list[dict]) -> tuple[dict, dict]:
    """The names are those of cityscapesscripts, that of the image lacking its folder and being wrong."""
    name = files.image.name.removesuffix(IMAGE)
    image = dict(id=name, width=shape[1], height=shape[0], file_name=f'{name}_gtFine_leftImg8bit.png')
    return image, dict(image_id=name, file_name=files.output.name, segments_info=segments)


@cache
def _categories() -> dict[int, Category]:
    """By label, in the order of the classes."""
    return {category.id: category for category in load_categories('cityscapes_panoptic')}


def _files(root: Path, split: str, source: str, target: str) -> list[_Files]:
    """The files of a split, in the order of their names.

    Args:
        root: The folder of the data set.
        split: Which split.
        source: What is read, ``gtFine/SPLIT/CITY/*_gtFine_SOURCE.png``.
        target: What is written, as a pattern with ``split``, ``city`` and ``name``.
    """
    if split not in SPLITS:
        raise ValueError(f'{split!r} is not a split of Cityscapes: choose from {", ".join(SPLITS)}.')
    files = []
    for image in sorted((root / 'leftImg8bit' / split).glob(f'*/*{IMAGE}')):
        name, city = image.name.removesuffix(IMAGE), image.parent.name
        if city_of(name) != city:
            raise ValueError(f'{image} is not in the folder of its city, {city_of(name)}: move it there.')
        labels = root / 'gtFine' / split / city / f'{name}_gtFine_{source}.png'
        files.append(
            _Files(image, labels, root / 'gtFine' / target.format(split=split, city=city, name=name))
        )
    if not files:
        raise FileNotFoundError(
            f'{root / "leftImg8bit" / split} holds no CITY/*_leftImg8bit.png: give the folder of Cityscapes.'
        )
    advice = f'unpack gtFine_trainvaltest.zip so that {root} holds gtFine'
    require_files((item.labels for item in files), advice)
    return files
