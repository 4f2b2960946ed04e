"""Clothing Co-Parsing's MATLAB files to images and label maps of two splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.io import loadmat

from ..clothing import CLASSES
from .conversion import check_labels, check_size, encode_png, require_files, run_jobs, write_atomically

SPLITS = ('train', 'val')
EVERY = 5
ADVICE = 'clone the repository bearpaw/clothing-co-parsing, which holds photos and annotations'


class _Files(NamedTuple):
    photo: Path
    matrix: Path
    image: Path
    labels: Path


def write_clothing_co_parsing(
    root: str | Path, splits: Sequence[str] = SPLITS, num_workers: int = 2
) -> dict[str, int]:
    """Write ``img/SPLIT/NNNN.jpg`` and ``ann/SPLIT/NNNN.png``; photographs 1, 6, 11 ... are in ``val``.

    Only photographs with labels of their pixels are taken, 1004 of 2098. They keep their size.

    Args:
        root: The folder with ``photos/NNNN.jpg``, ``annotations/pixel-level/NNNN.mat`` and
            ``label_list.mat``.
        splits: Which of ``'train'`` and ``'val'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file cannot be read, has labels of another list of classes, or differs in size from its
            photograph.
    """
    root = Path(root)
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise ValueError(f'Unknown split {min(unknown)!r}; expected one of {", ".join(SPLITS)}.')
    _check_classes(root / 'label_list.mat')
    files = _files(root, splits)
    for jobs in files.values():
        run_jobs(convert, jobs, num_workers)
    return {split: len(jobs) for split, jobs in files.items()}


def convert(files: _Files) -> None:
    """Write the image and the label map of a photograph; finished ones stay as they are."""
    if not files.labels.exists():
        labels = _read_matrix(files.matrix, 'groundtruth')
        check_size(files.matrix, labels.shape, files.photo)
        check_labels(files.matrix, labels, np.ones(len(CLASSES), bool))
        write_atomically(files.labels, encode_png(labels.astype(np.uint8)))
    if not files.image.exists():
        write_atomically(files.image, files.photo.read_bytes())


def _read_matrix(path: Path, key: str) -> np.ndarray:
    try:
        return loadmat(path)[key]
    except Exception as error:
        raise ValueError(f'{path} has no matrix {key} ({error}): restore the file.') from error


def _check_classes(path: Path) -> None:
    """The order of the labels must be that of `CLASSES`."""
    require_files([path], ADVICE)
    names = tuple(str(entry.item()) for entry in _read_matrix(path, 'label_list').ravel())
    if names != CLASSES:
        wrong = next((i for i, pair in enumerate(zip(names, CLASSES)) if pair[0] != pair[1]), len(CLASSES))
        raise ValueError(
            f'{path} lists {len(names)} classes that differ from the {len(CLASSES)} of Clothing Co-Parsing, '
            f'first at label {wrong}: restore the file.'
        )


def _files(root: Path, splits: Sequence[str]) -> dict[str, list[_Files]]:
    matrices = sorted((root / 'annotations' / 'pixel-level').glob('*.mat'))
    if not matrices:
        raise FileNotFoundError(f'{root} has no annotations/pixel-level/*.mat: {ADVICE}.')
    files: dict[str, list[_Files]] = {split: [] for split in splits}
    for number, matrix in enumerate(matrices):
        split = 'train' if number % EVERY else 'val'
        if split in files:
            name = matrix.stem
            photo = root / 'photos' / f'{name}.jpg'
            image, labels = root / 'img' / split / photo.name, root / 'ann' / split / f'{name}.png'
            files[split].append(_Files(photo, matrix, image, labels))
    require_files((job.photo for jobs in files.values() for job in jobs), ADVICE)
    for split in splits:
        for folder in ('img', 'ann'):
            (root / folder / split).mkdir(parents=True, exist_ok=True)
    return files
