"""Files that a data set does not use, and files that it needs and that are missing."""

from __future__ import annotations

import os.path as osp
from collections.abc import Sequence
from typing import Any

from mmengine import fileio

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm', '.npy')
MISSING_IMAGES = 'images that do not exist'
MISSING_MAPS = 'images without annotation file'
OTHER_SUFFIX = 'images of another suffix than img_suffix'
SPARE_MAPS = 'annotations without image'
UNNAMED = 'images that the annotation file does not name'

LeftOut = dict[str, list[str]]
Paths = tuple[str, str | None]


def left_out(dataset: Any, paths: Sequence[Paths], complete: bool = True) -> LeftOut:
    """What a data set leaves out, by reason: paths of files, or names that its annotation file gives.

    Folders on the disk are listed; no file is opened.

    Args:
        dataset: A data set without others inside; what it leaves out itself is its ``left_out``.
        paths: Of the images and label maps of its samples.
        complete: Whether these are all of its samples; files that no sample has are known only then.
    """
    found = {reason: list(names) for reason, names in getattr(dataset, 'left_out', {}).items()}
    if getattr(dataset, 'backend_args', None):
        return found
    images = [image for image, _ in paths if image]
    maps = [label_map for _, label_map in paths if label_map is not None]
    prefix = getattr(dataset, 'data_prefix', None) or {}
    image_files, map_files = (_files_in(prefix.get(key)) for key in ('img_path', 'seg_map_path'))
    found[MISSING_IMAGES] = _missing(images, image_files)
    found[MISSING_MAPS] = _missing(maps, map_files)
    if complete and getattr(dataset, '_indices', None) is None:
        found.update(_beside(dataset, (image_files, set(images)), (map_files, set(maps))))
    return {reason: names for reason, names in found.items() if names}


def _beside(dataset: Any, images: tuple[set[str], set[str]], maps: tuple[set[str], set[str]]) -> LeftOut:
    """Files in the folders that no sample has; ``images`` and ``maps`` are those there and those used."""
    spare = sorted(path for path in images[0] - images[1] if path.lower().endswith(IMAGE_SUFFIXES))
    if getattr(dataset, 'ann_file', '') and not osp.isdir(dataset.ann_file):
        return {UNNAMED: [path for path in spare if path not in maps[0]]}
    suffix, map_suffix = getattr(dataset, 'img_suffix', ''), getattr(dataset, 'seg_map_suffix', '')
    label_maps = {path for path in maps[0] if path.endswith(map_suffix)}
    return {
        OTHER_SUFFIX: [path for path in spare if not path.endswith(suffix) and path not in label_maps],
        SPARE_MAPS: sorted(label_maps - maps[1] - images[1]),
    }


def _files_in(folder: str | None) -> set[str]:
    if not folder or '://' in folder or not osp.isdir(folder):
        return set()
    names = fileio.list_dir_or_file(folder, list_dir=False, recursive=True)
    return {osp.join(folder, name) for name in names}


def _missing(paths: Sequence[str], files: set[str]) -> list[str]:
    """Those that are not among the files listed, nor elsewhere; none if nothing is on this disk."""
    missing = [path for path in paths if path not in files and '://' not in path and not osp.exists(path)]
    return missing if files or len(missing) < len(paths) else []
