"""COCO-Stuff-10k's .mat files to label maps, in the folders that MMSegmentation reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.io import loadmat

from ...file_names import inside
from ..categories import load_categories
from .conversion import check_labels, check_size, encode_png, require_files, run_jobs, write_atomically

SPLITS = ('train', 'test')
NUM_CLASSES = 171
STUFF = range(92, 183)
"""Numbers of the stuff classes in release 1.1; the things have those of COCO."""
HDF5 = b'\x89HDF\r\n\x1a\n'


class _Files(NamedTuple):
    image: Path
    annotation: Path
    copy: Path
    labels: Path


def write_coco_stuff10k(
    root: str | Path, splits: Sequence[str] = SPLITS, num_workers: int = 2
) -> dict[str, int]:
    """Write ``images/SPLIT2014/*.jpg`` and ``annotations/SPLIT2014/*_labelTrainIds.png``.

    Labels are 1 + the index of the class, 0 is void: the data set's ``reduce_zero_label`` makes them 0-170
    and 255. Existing files are kept.

    Args:
        root: The folder with ``images``, ``annotations`` and ``imageLists`` of release 1.0, which the paper
            used, or 1.1.
        splits: Which of ``'train'`` and ``'test'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: A file is missing.
        ImportError: The files are of release 1.0, and h5py is not installed.
        ValueError: An annotation is not as described, or differs in size from its image; or a list names
            a file outside the folder.
    """
    files = {split: _files(Path(root), split) for split in splits}
    for jobs in files.values():
        for path in (jobs[0].copy, jobs[0].labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        run_jobs(convert, jobs, num_workers)
    return {split: len(jobs) for split, jobs in files.items()}


def convert(files: _Files) -> None:
    """Copy an image and write its label map."""
    if not files.labels.exists():
        labels = read_annotation(files.annotation)
        check_size(files.annotation, labels.shape, files.image)
        write_atomically(files.labels, encode_png(labels))
    if not files.copy.exists():
        write_atomically(files.copy, files.image.read_bytes())


def read_annotation(path: Path) -> np.ndarray:
    """``(H, W)`` uint8, 1 + the index of the class, 0 for void.

    In release 1.0, 1 is void and the classes follow; in release 1.1, 0 is void and numbers have gaps.

    Raises:
        ImportError: The file is of release 1.0, and h5py is not installed.
        ValueError: It is not such a file, or has an unknown label.
    """
    with path.open('rb') as file:
        head = file.read(512 + len(HDF5))
    if HDF5 in (head[: len(HDF5)], head[512:]):  # MATLAB writes a block of 512 bytes before it
        numbers, num_names = _read_hdf5(path)
    else:
        numbers, num_names = _read_matlab(path)
    if num_names == 1 + NUM_CLASSES:
        check_labels(path, numbers, np.arange(2 + NUM_CLASSES) > 0)
        return (numbers - 1).astype(np.uint8)
    table = _labels_of_numbers()
    check_labels(path, numbers, table >= 0)
    return table[numbers].astype(np.uint8)


def _read_matlab(path: Path) -> tuple[np.ndarray, int]:
    try:
        content: dict[str, Any] = loadmat(str(path), variable_names=('S', 'names'))
        return content['S'].astype(np.int32), content['names'].size
    except Exception as error:
        raise ValueError(
            f'{path} is not an annotation of COCO-Stuff-10k ({type(error).__name__}: {error}): replace the '
            'file.'
        ) from error


def _read_hdf5(path: Path) -> tuple[np.ndarray, int]:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f'{path} is of release 1.0, which h5py reads: install h5py, or use release 1.1.'
        ) from error
    try:
        with h5py.File(path) as content:
            return np.transpose(content['S']).astype(np.int32), content['names'].size
    except (OSError, KeyError) as error:
        raise ValueError(
            f'{path} is not an annotation of COCO-Stuff-10k ({error}): replace the file.'
        ) from error


@cache
def _labels_of_numbers() -> np.ndarray:
    """Label of each number of release 1.1, -1 where there is no class."""
    things = [category.id for category in load_categories('coco_instance')]
    table = np.full(STUFF.stop, -1)
    table[[0, *things, *STUFF]] = np.arange(1 + NUM_CLASSES)
    return table


def _files(root: Path, split: str) -> list[_Files]:
    if split not in SPLITS:
        raise ValueError(f'{split!r} is not a split of COCO-Stuff-10k: choose from {", ".join(SPLITS)}.')
    names = root / 'imageLists' / f'{split}.txt'
    advice = f'unpack COCO-Stuff-10k so that {root} holds images, annotations and imageLists'
    require_files([names], advice)
    files = []
    for name in names.read_text(encoding='utf-8').split():
        image = inside(root / 'images', f'{name}.jpg', str(names))
        annotation = inside(root / 'annotations', f'{name}.mat', str(names))
        copy = inside(root / 'images' / f'{split}2014', f'{name}.jpg', str(names))
        labels = inside(root / 'annotations' / f'{split}2014', f'{name}_labelTrainIds.png', str(names))
        files.append(_Files(image, annotation, copy, labels))
    if not files:
        raise ValueError(f'{names} lists no image: replace the file.')
    require_files((path for item in files for path in item[:2]), advice)
    return files
