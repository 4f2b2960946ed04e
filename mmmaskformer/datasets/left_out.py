"""Files of a data set that it does not read, or reads in vain."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterable
from typing import Any

from mmengine import fileio

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm', '.npy')
MISSING_IMAGES = 'images that do not exist'
MISSING_MAPS = 'images without annotation file'
OTHER_SUFFIX = 'images of another suffix than img_suffix'
SPARE_MAPS = 'annotations without image'
UNNAMED = 'images that the annotation file does not name'

LeftOut = dict[str, list[str]]


def left_out(dataset: Any) -> LeftOut:
    """What a data set leaves out, by reason: paths of files, or names that its annotation file gives.

    Folders on the disk are listed; no file is opened.

    Args:
        dataset: A data set without others inside; what it leaves out itself is its ``left_out``.
    """
    found = {reason: list(names) for reason, names in getattr(dataset, 'left_out', {}).items()}
    if getattr(dataset, 'backend_args', None):
        return found
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    images = [info['img_path'] for info in infos if 'img_path' in info]
    maps = [info['seg_map_path'] for info in infos if info.get('seg_map_path') is not None]
    prefix = getattr(dataset, 'data_prefix', None) or {}
    image_files, map_files = (_files_in(prefix.get(key)) for key in ('img_path', 'seg_map_path'))
    found[MISSING_IMAGES] = _missing(images, image_files)
    found[MISSING_MAPS] = _missing(maps, map_files)
    beside = [path for path in sorted(image_files - set(images)) if path.lower().endswith(IMAGE_SUFFIXES)]
    map_suffix = getattr(dataset, 'seg_map_suffix', '')
    if getattr(dataset, 'ann_file', '') and not osp.isdir(dataset.ann_file):
        found[UNNAMED] = [path for path in beside if path not in map_files]
    elif getattr(dataset, '_indices', None) is None:
        suffix = getattr(dataset, 'img_suffix', '')
        maps_there = {path for path in map_files if path.endswith(map_suffix)}
        found[OTHER_SUFFIX] = [p for p in beside if not p.endswith(suffix) and p not in maps_there]
        found[SPARE_MAPS] = sorted(maps_there - set(maps) - set(images))
    return {reason: names for reason, names in found.items() if names}


def _files_in(folder: str | None) -> set[str]:
    if not folder or '://' in folder or not osp.isdir(folder):
        return set()
    names = fileio.list_dir_or_file(folder, list_dir=False, recursive=True)
    return {osp.join(folder, name) for name in names}


def _missing(paths: Iterable[str], files: set[str]) -> list[str]:
    """Those that are not among the files listed, nor elsewhere."""
    return [path for path in paths if path not in files and '://' not in path and not osp.exists(path)]
