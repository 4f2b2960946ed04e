"""Check of the files of Mapillary Vistas, which need no conversion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmseg.datasets import MapillaryDataset_v1

from .conversion import check_labels, check_size, read_map, require_files, run_jobs

SPLITS = ('training', 'validation')
LABEL_FOLDERS = ('v1.2/labels', 'labels')
"""Where releases 2.0 and 1.2 have the label maps of version 1.2."""
CONFIGS = ('config_v1.2.json', 'config.json')


class _Files(NamedTuple):
    image: Path
    labels: Path


def check_mapillary(root: str | Path, splits: Sequence[str] = SPLITS, num_workers: int = 2) -> dict[str, int]:
    """Check the images, label maps and list of classes of version 1.2.

    Args:
        root: The folder with ``training`` and ``validation``.
        splits: Which of them.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: There are no images, or a map is missing.
        ValueError: A map has a label above 65, or differs in size from its image; or the list of classes
            differs from version 1.2.
    """
    root = Path(root)
    files = {split: _files(root, split) for split in splits}
    _check_classes(root)
    for jobs in files.values():
        run_jobs(check_pair, jobs, num_workers)
    return {split: len(jobs) for split, jobs in files.items()}


def check_pair(files: _Files) -> None:
    """Check a label map and its image."""
    labels = read_map(files.labels)
    check_size(files.labels, labels.shape, files.image)
    check_labels(files.labels, labels, np.ones(len(MapillaryDataset_v1.METAINFO['classes']), bool))


def _files(root: Path, split: str) -> list[_Files]:
    if split not in SPLITS:
        raise ValueError(f'{split!r} is not a split of Mapillary Vistas: choose from {", ".join(SPLITS)}.')
    images = sorted((root / split / 'images').glob('*.jpg'))
    if not images:
        raise FileNotFoundError(
            f'{root / split / "images"} holds no *.jpg file: give the folder of Mapillary Vistas.'
        )
    folders = [root / split / name for name in LABEL_FOLDERS]
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    files = [_Files(image, folder / f'{image.stem}.png') for image in images]
    require_files((item.labels for item in files), f'unpack the label maps of version 1.2 into {folder}')
    return files


def _check_classes(root: Path) -> None:
    path = next((root / name for name in CONFIGS if (root / name).is_file()), None)
    if path is None:
        return
    names = [label['readable'] for label in json.loads(path.read_text(encoding='utf-8'))['labels']]
    if names != list(MapillaryDataset_v1.METAINFO['classes']):
        raise ValueError(
            f'{path} lists {len(names)} classes that are not those of version 1.2: take the label maps and '
            'the list of version 1.2.'
        )
