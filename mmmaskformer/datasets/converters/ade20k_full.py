"""ADE20K's full annotations to label maps of 16 bits, by MaskFormer's procedure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from ...checkpoints.reading import ArrayUnpickler
from ...file_names import inside
from ..ade20k import CLASSES, IGNORED_LABEL
from .conversion import check_size, read_map, require_files, run_jobs, write_atomically

SPLITS = ('training', 'validation')
SHORT_EDGE = 512


class _Files(NamedTuple):
    image: Path
    parts: Path
    copy: Path
    labels: Path


def write_ade20k_full(
    root: str | Path, splits: Sequence[str] = SPLITS, num_workers: int = 2
) -> dict[str, int]:
    """Write ``images_detectron2/SPLIT/*.jpg`` and ``annotations_detectron2/SPLIT/*.tif``.

    The names are those of the original script, and what it wrote is kept: images and labels are shrunk to
    a short edge of 512 pixels where they are larger, and labels are 0-846 or 65535 for all else.

    Args:
        root: The folder ADE20K_2021_17_01 with ``index_ade20k.pkl`` and ``images``.
        splits: Which of ``'training'`` and ``'validation'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The index cannot be read or names a file outside the folder, or a map is not as described
            or differs in size from its image.
    """
    root = Path(root)
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise ValueError(f'{min(unknown)!r} is not a split of ADE20K: choose from {", ".join(SPLITS)}.')
    files = _files(root, splits)
    for jobs in files.values():
        for path in (jobs[0].copy, jobs[0].labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        run_jobs(convert, jobs, num_workers)
    return {split: len(jobs) for split, jobs in files.items()}


def convert(files: _Files) -> None:
    """Write the image and the label map of an image."""
    if files.labels.exists() and files.copy.exists():
        return
    parts = read_map(files.parts, 3)
    check_size(files.parts, parts.shape, files.image)
    size = _size(*parts.shape[:2])
    if not files.labels.exists():
        labels = cv2.resize(read_labels(parts), size, interpolation=cv2.INTER_NEAREST)
        _write(files.labels, labels, 'tiff', compression='tiff_lzw')
    if not files.copy.exists():
        try:
            image = np.asarray(Image.open(files.image).convert('RGB'))
        except OSError as error:
            raise ValueError(f'{files.image} cannot be read ({error}): replace the file.') from error
        _write(files.copy, cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), 'jpeg')


def read_labels(parts: np.ndarray) -> np.ndarray:
    """The class of every pixel of a ``*_seg.png``.

    Args:
        parts: ``(H, W, 3)`` red, green, blue; the number of the class is 256 * (red // 10) + green.

    Returns:
        ``(H, W)`` uint16, 65535 for numbers that are not one of the 847 classes.
    """
    return _labels_of_numbers()[parts[..., 0] // 10 * np.uint16(256) + parts[..., 1]]


@cache
def _labels_of_numbers() -> np.ndarray:
    table = np.full(256 * 26, IGNORED_LABEL, np.uint16)
    table[list(CLASSES)] = np.arange(len(CLASSES))
    return table


def _size(height: int, width: int) -> tuple[int, int]:
    """Width and height, the shorter at most 512."""
    if min(height, width) <= SHORT_EDGE:
        return width, height
    if width >= height:
        return round(width / height * SHORT_EDGE), SHORT_EDGE
    return SHORT_EDGE, round(height / width * SHORT_EDGE)


def _write(path: Path, pixels: np.ndarray, file_format: str, **options: Any) -> None:
    content = BytesIO()
    Image.fromarray(pixels).save(content, file_format, **options)
    write_atomically(path, content.getvalue())


def _files(root: Path, splits: Sequence[str]) -> dict[str, list[_Files]]:
    files: dict[str, dict[str, _Files]] = {split: {} for split in splits}
    index = root / 'index_ade20k.pkl'
    advice = f'unpack ADE20K_2021_17_01 so that {root} holds images and index_ade20k.pkl'
    require_files([index], advice)
    for folder, name in _read_index(index):
        split = SPLITS[name.split('_')[1:2] == ['val']]
        if split not in files:
            continue
        image = inside(root, f'{folder.partition("/")[2]}/{name}', str(index))
        copy = inside(root / 'images_detectron2' / split, name, str(index))
        labels = root / 'annotations_detectron2' / split / f'{copy.stem}.tif'
        if name in files[split]:
            raise ValueError(f'{index} lists {name} twice: restore the file.')
        files[split][name] = _Files(image, image.with_name(f'{image.stem}_seg.png'), copy, labels)
    jobs = {split: [named[name] for name in sorted(named)] for split, named in files.items()}
    for split, items in jobs.items():
        if not items:
            raise ValueError(f'{index} lists no image of {split}: restore the file.')
        require_files((path for item in items for path in item[:2]), advice)
    return jobs


def _read_index(path: Path) -> list[tuple[str, str]]:
    """Folder and name of each image; the folders start with that of the data set."""
    try:
        with path.open('rb') as file:
            index = ArrayUnpickler(file).load()
        return list(zip(index['folder'], index['filename'], strict=True))
    except Exception as error:
        raise ValueError(f'{path} is not an index of ADE20K ({error}): restore the file.') from error
