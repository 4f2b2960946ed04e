"""ADE20K's label maps and instance maps to COCO panoptic JSON and id PNGs, by MaskFormer's procedure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..categories import Category, load_categories
from ..id_maps import describe_segment
from .conversion import (
    check_labels,
    check_size,
    read_map,
    require_files,
    run_jobs,
    write_json,
    write_map,
)
from .documents import panoptic_document

SPLITS = {'training': 'train', 'validation': 'val'}
MAX_SHIFT = 30


class _Files(NamedTuple):
    image: Path
    labels: Path
    instances: Path
    ids: Path


def write_ade20k_panoptic(
    root: str | Path, splits: Sequence[str] = tuple(SPLITS), num_workers: int = 2
) -> dict[str, int]:
    """Write ``ade20k_panoptic_train.json``, the PNGs in ``ade20k_panoptic_train`` and the same for ``val``.

    Stuff comes from the label maps; things from the instance maps, laid over it (red is the number of the
    thing class, green the number of the object). Areas and boxes are those before something was laid over
    a segment, as in the original files, with which the published PQ was computed. Unlike there, all
    segments of an image have different ids, and ids do not change from run to run.

    Args:
        root: The folder ADEChallengeData2016 with ``images``, ``annotations`` and ``annotations_instance``.
        splits: Which of ``'training'`` and ``'validation'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: A map is missing.
        FileExistsError: Output exists and differs.
        ValueError: A map is not as described, or differs in size from its image.
    """
    root = Path(root)
    files = {split: _files(root, split) for split in splits}
    for split, jobs in files.items():
        jobs[0].ids.parent.mkdir(exist_ok=True)
        entries = run_jobs(convert, jobs, num_workers)
        document = panoptic_document(entries, _categories())
        write_json(root / f'ade20k_panoptic_{SPLITS[split]}.json', document)
    return {split: len(jobs) for split, jobs in files.items()}


def convert(files: _Files) -> tuple[dict, dict]:
    """Write the id PNG of an image.

    Returns:
        Its entries among ``images`` and ``annotations``.
    """
    labels, instances = read_map(files.labels), read_map(files.instances, 3)
    check_size(files.labels, labels.shape, files.image)
    check_size(files.instances, instances.shape, files.image)
    check_labels(files.labels, labels, np.ones(1 + len(_categories()), bool))
    height, width = labels.shape
    colors = np.zeros((height, width, 3), np.uint8)
    segments, generator, taken = [], random.Random(0), {(0, 0, 0)}
    for category, mask in (*_stuff(labels), *things_of(instances, files.instances)):
        color = _new_color(category.color, taken, generator)
        colors[mask] = color
        number = color[0] + 256 * color[1] + 65536 * color[2]
        segments.append(describe_segment(mask, number, category.id))
    write_map(files.ids, colors)
    name = files.image.stem
    image = dict(id=name, file_name=files.image.name, width=width, height=height)
    return image, dict(image_id=name, file_name=files.ids.name, segments_info=segments)


def _stuff(labels: np.ndarray) -> Iterator[tuple[Category, np.ndarray]]:
    for label in np.unique(labels).tolist():
        if label > 0 and not _categories()[label - 1].isthing:
            yield _categories()[label - 1], labels == label


def things_of(instances: np.ndarray, path: Path) -> Iterator[tuple[Category, np.ndarray]]:
    """The objects of an instance map: category and mask ``(H, W)`` of each.

    Args:
        instances: ``(H, W, 3)``: number of the thing class, counted from 1; number of the object, 0 is none.
        path: Its file, for the message.

    Raises:
        ValueError: An object has several classes, or one that is not among the hundred.
    """
    things = [category for category in _categories() if category.isthing]
    classes, objects = instances[..., 0], instances[..., 1]  # red, green
    for number in np.unique(objects).tolist():
        if number == 0:
            continue
        mask = objects == number
        numbers = np.unique(classes[mask]).tolist()
        if len(numbers) != 1 or not 1 <= numbers[0] <= len(things):
            raise ValueError(
                f'{path}: object {number} has the classes {numbers}, but one of 1 to {len(things)} is '
                'expected: replace the file by that of annotations_instance.tar.'
            )
        yield things[numbers[0] - 1], mask


@cache
def _categories() -> tuple[Category, ...]:
    return load_categories('ade20k_panoptic')


def _new_color(base: tuple, taken: set, generator: random.Random) -> tuple[int, int, int]:
    """The color itself, or a similar one if it is taken."""
    color = base
    while color in taken:
        shifted = (value + generator.randint(-MAX_SHIFT, MAX_SHIFT) for value in base)
        color = tuple(min(max(value, 0), 255) for value in shifted)
    taken.add(color)
    return color


def images_of(root: Path, split: str) -> list[Path]:
    """The images of a split, in the order of their names.

    Raises:
        ValueError: There is no such split.
        FileNotFoundError: There are no images.
    """
    if split not in SPLITS:
        raise ValueError(f'{split!r} is not a split of ADE20K: choose from {", ".join(SPLITS)}.')
    images = sorted((root / 'images' / split).glob('*.jpg'))
    if not images:
        raise FileNotFoundError(f'{root / "images" / split} holds no *.jpg file: give the folder of ADE20K.')
    return images


def _files(root: Path, split: str) -> list[_Files]:
    files = []
    for image in images_of(root, split):
        png = f'{image.stem}.png'
        labels, instances = (root / name / split / png for name in ('annotations', 'annotations_instance'))
        files.append(_Files(image, labels, instances, root / f'ade20k_panoptic_{SPLITS[split]}' / png))
    require_files(
        (path for item in files for path in (item.labels, item.instances)),
        'unpack ADE20K and annotations_instance.tar so that '
        f'{root} holds annotations and annotations_instance',
    )
    return files
