"""Files of a data set: reading of images, names of outputs, and files that are missing or unused."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from mmengine import fileio
from numpy.typing import NDArray

from ..file_names import claim, lies_in, names_below
from .dataset_wrappers import unwrapped_datasets
from .pipelines import is_image_loader


class LoadedImage(NamedTuple):
    """An image as a pipeline's loader returns it.

    Attributes:
        pixels: ``(H, W)`` or ``(H, W, C)`` of any type.
        is_rgb: Whether the first three of its channels are red, green, blue, not blue, green, red.
    """

    pixels: NDArray[Any]
    is_rgb: bool


def gives_rgb(loader: Any) -> bool:
    """Whether a loader keeps the order of channels in the file, as tifffile does; OpenCV gives BGR."""
    return getattr(loader, 'imdecode_backend', None) == 'tifffile'


class ImageFiles:
    """The images of a data set, wrapped or not.

    Args:
        dataset: A data set of MMEngine's kind, or a wrapper of one or several.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.parts = [part.dataset for part in unwrapped_datasets(dataset)]
        self._taken: dict[str, int] = {}

    def name(self, path: str) -> str:
        """Name for the outputs of an image: its path below the data set's image folder, without suffix.

        The same in every process. A second image of the same name, ``0001.png`` beside ``0001.jpg``, is
        named ``0001_2``.
        """
        if path not in self._names:
            self._names[path] = claim(osp.splitext(osp.basename(path))[0], self._taken)
        return self._names[path]

    def short_name(self, path: str) -> str:
        """The name of an image without its folder and suffix; where several images share one, as `name`."""
        return self.name(path) if self._share_names else osp.splitext(osp.basename(path))[0]

    def part_of(self, path: str) -> Any:
        """The inner data set that an image lies in; the first one where that is not known."""
        whole = osp.abspath(path)
        folders = [(osp.abspath(folder), part) for part in self.parts for folder in _folders(part)]
        fitting = [(len(folder), part) for folder, part in folders if lies_in(whole, folder)]
        return max(fitting, key=itemgetter(0))[1] if fitting else self.parts[0]

    def read(self, path: str, shape: Sequence[int]) -> LoadedImage | None:
        """The image as the pipeline's loader reads it; None if the pipeline has no loader.

        Args:
            path: Its file.
            shape: Height and width that the pipeline read it with, ``ori_shape`` of its sample.
        """
        loader = self._loader(path)
        try:
            loaded = None if loader is None else loader(dict(img_path=path, listed_shape=tuple(shape[:2])))
        except KeyError:  # a loader that needs more than the path
            loaded = None
        if loaded is None or loaded.get('img') is None:
            return None
        return LoadedImage(np.asarray(loaded['img']), gives_rgb(loader))

    def loads_rgb(self, path: str) -> bool:
        """Whether the pipeline gets an image as red, green, blue, not blue, green, red."""
        return gives_rgb(self._loader(path))

    def _loader(self, path: str) -> Any:
        pipeline = getattr(self.part_of(path), 'pipeline', None)
        return next(filter(is_image_loader, getattr(pipeline, 'transforms', ())), None)

    @cached_property
    def _share_names(self) -> bool:
        return len({osp.splitext(osp.basename(path))[0] for path in self._names}) < len(self._names)

    @cached_property
    def _names(self) -> dict[str, str]:
        paths = list(dict.fromkeys(path for path in _paths(self.dataset) if path))
        names = names_below(paths, [folder for part in self.parts for folder in _folders(part)])
        self._taken.update((name.casefold(), 1) for name in names)
        return dict(zip(paths, names))


def _folders(dataset: Any) -> list[str]:
    """Folders of the images of an unwrapped data set, the innermost first."""
    prefix = getattr(dataset, 'data_prefix', None)
    folder = prefix.get('img_path') if isinstance(prefix, Mapping) else None
    folders = [folder, getattr(dataset, 'data_root', None)]
    return [path for path in folders if path and isinstance(path, str) and '://' not in path]


def _paths(dataset: Any) -> Iterable[str]:
    """Image files in the order of the data set; empty if it does not list them."""
    if not hasattr(dataset, 'get_data_info'):
        inner = [part.dataset for part in unwrapped_datasets(dataset)]
        return [path for part in inner if part is not dataset for path in _paths(part)]
    return [dataset.get_data_info(index).get('img_path') for index in range(len(dataset))]


IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm', '.npy')
MISSING_IMAGES = 'images that do not exist'
MISSING_MAPS = 'images without annotation file'
OTHER_SUFFIX = 'images of another suffix than img_suffix'
SPARE_MAPS = 'annotations without image'
UNNAMED = 'images that the annotation file does not name'

LeftOut = dict[str, list[str]]
Paths = tuple[str, str | None]


def unused_files(dataset: Any, paths: Sequence[Paths], complete: bool = True) -> LeftOut:
    """Files that a data set skips or lacks, by reason: paths, or names from its annotation file.

    Lists folders on the disk and opens no file.

    Args:
        dataset: A data set that is not a wrapper; entries that it skips itself are in its ``left_out``.
        paths: Of the images and label maps of its samples.
        complete: Whether ``paths`` are those of all samples; only then are unused files known.
    """
    skipped = {reason: list(names) for reason, names in getattr(dataset, 'left_out', {}).items()}
    if getattr(dataset, 'backend_args', None):
        return skipped
    images = [image for image, _ in paths if image]
    maps = [label_map for _, label_map in paths if label_map is not None]
    prefix = getattr(dataset, 'data_prefix', None) or {}
    image_files, map_files = (_files_in(prefix.get(key)) for key in ('img_path', 'seg_map_path'))
    skipped[MISSING_IMAGES] = _missing(images, image_files)
    skipped[MISSING_MAPS] = _missing(maps, map_files)
    if complete and getattr(dataset, '_indices', None) is None:
        skipped.update(_unused(dataset, (image_files, set(images)), (map_files, set(maps))))
    return {reason: names for reason, names in skipped.items() if names}


def _unused(dataset: Any, images: tuple[set[str], set[str]], maps: tuple[set[str], set[str]]) -> LeftOut:
    """Files that no sample uses; ``images`` and ``maps`` are each the files present and the files used."""
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
    """Paths that do not exist; none if no file is on this disk, as with other file backends."""
    missing = [path for path in paths if path not in files and '://' not in path and not osp.exists(path)]
    return missing if files or len(missing) < len(paths) else []
