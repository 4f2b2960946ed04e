"""One mask of two values for each class, or for each object, of an image."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from ..image_headers import read_header
from ..segmentations import run_lengths_of
from .class_lists import find_class_list
from .contents import ClassOfFolder, FolderError, LeftOut, Reading
from .file_tree import FileTree
from .label_maps import NO_IMAGE, NO_MAP, UNREADABLE
from .map_values import MapContent, contents_of_maps, read_pixels
from .objects import Annotated, ObjectReading, Outline, as_label_maps, collect
from .pairing import Pairs, pair_files

OBJECT = 'object'
NUMBER = re.compile(r'[ _.-]*\d+$')
HASH = re.compile('[0-9a-f]{16,}', re.IGNORECASE)


def read_binary_masks(tree: FileTree) -> Reading | None:
    """Several masks for an image; None if images have one label map each, or maps have more values.

    Folders and names of the masks give the classes: ``masks/car/0001.png``, ``masks/0001/car.png``,
    ``0001_car.png``, with a number behind if there are several objects, or numbers alone.
    """
    pairs = pair_files(tree)
    if pairs is None:
        return None
    several = any(len(maps) > 1 for maps in pairs.maps.values())
    if not several and len(set(pairs.names.values())) < 2:
        return None
    left_out: LeftOut = {NO_IMAGE: pairs.spare_maps, NO_MAP: pairs.spare_images}
    contents = contents_of_maps(tree.root, [path for maps in pairs.maps.values() for path in maps])
    broken = [path for path, content in contents.items() if isinstance(content, FolderError)]
    if not all(_is_binary(content) for content in contents.values() if isinstance(content, MapContent)):
        return None
    left_out[UNREADABLE] = broken
    names = {path: _class_of(name) for path, name in pairs.names.items()}
    reading = _objects(tree, pairs, names, set(broken), left_out)
    counts = Counter((image, names[path]) for image, maps in pairs.maps.items() for path in maps)
    if set(names.values()) == {OBJECT} or max(counts.values()) > 1:
        return reading
    reading.format = 'one mask for each class'
    return as_label_maps(reading)


def _is_binary(content: MapContent) -> bool:
    return (
        not content.is_jpeg and len(content.values) <= 2 and (0 in content.values or len(content.values) == 1)
    )


def _class_of(name: str) -> str:
    """``car`` of ``car_2``; `OBJECT` of numbers and of what a program drew up."""
    name = NUMBER.sub('', name.split('/')[0]).strip(' _.-')
    return OBJECT if not name or HASH.fullmatch(name) else name


def _objects(
    tree: FileTree, pairs: Pairs, names: dict[str, str], broken: set[str], left_out: LeftOut
) -> ObjectReading:
    class_list = find_class_list(tree)
    classes = None
    if class_list is not None and set(names.values()) <= {entry.name for entry in class_list.classes}:
        classes = [ClassOfFolder(entry.name, True, entry.color) for entry in class_list.classes]
    annotated = [
        Annotated(
            maps[0],
            image,
            _size(tree.root / maps[0]),
            partial(_outlines, tree.root, {path: names[path] for path in maps if path not in broken}),
            pairs.splits[image],
        )
        for image, maps in pairs.maps.items()
    ]
    reading = collect(tree, 'one mask for each object', annotated, classes, left_out)
    reading.left_out.pop('images without annotation', None)
    return reading


def _size(path: Path) -> tuple[int, int] | None:
    header = read_header(str(path))
    return header.height, header.width


def _outlines(root: Path, masks: dict[str, str], size: tuple[int, int]) -> list[Outline]:
    found = []
    for path, name in masks.items():
        pixels, _ = read_pixels(root / path)
        mask = np.asarray(pixels if pixels.ndim == 2 else pixels.any(-1)) > 0
        if mask.shape != size:
            raise FolderError(
                f'{root / path} is {mask.shape[1]}x{mask.shape[0]} pixels, and another mask of its image '
                f'{size[1]}x{size[0]}: correct one of them.'
            )
        found.append(Outline(name, run_lengths_of(mask)))
    return found
