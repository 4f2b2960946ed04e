"""YOLO's segmentation format: data.yaml, and a text file of polygons for each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import yaml

from ..json_fields import whole_number
from .contents import ClassOfFolder, FolderError, LeftOut, Reading
from .file_tree import RASTERS, FileTree
from .objects import NO_AREA, Annotated, Outline, collect
from .splits import SPLITS


def read_yolo(tree: FileTree) -> Reading | None:
    """Images and polygons as data.yaml names them; None if the folder has no such file.

    Raises:
        FolderError: data.yaml is broken, or a line of a text file is not a polygon of a listed class.
    """
    found = {path: content for path in tree.with_suffix('.yaml', '.yml') if (content := _content(tree, path))}
    if not found:
        return None
    if len(found) > 1:
        raise FolderError(
            f'{tree.root} has several files of YOLO ({", ".join(found)}): give one folder of them.'
        )
    path, content = next(iter(found.items()))
    names = _names(content['names'], str(tree.root / path))
    left_out: LeftOut = {}
    annotated = list(_annotated(tree, path, content, names, left_out))
    if not annotated:
        raise FolderError(
            f'{tree.root / path}: none of its folders ({", ".join(_folders(content))}) holds images here: '
            'give the folder that holds them, or correct the file.'
        )
    return collect(tree, 'yolo', annotated, [ClassOfFolder(name, True) for name in names], left_out)


def _content(tree: FileTree, path: str) -> dict | None:
    try:
        content = yaml.safe_load(tree.text(path))
    except yaml.YAMLError:
        return None
    is_yolo = isinstance(content, dict) and 'names' in content and any(split in content for split in SPLITS)
    return content if is_yolo else None


def _names(names: Any, where: str) -> list[str]:
    """Names of the classes by number, of a list or of a dict."""
    if isinstance(names, Mapping):
        numbers = [whole_number(key) for key in names]
        if sorted(n for n in numbers if n is not None) != list(range(len(names))):
            raise FolderError(
                f'{where}: the classes are numbered {list(names)}, expected 0 to {len(names) - 1}.'
            )
        return [str(name) for _, name in sorted(zip(numbers, names.values()), key=lambda pair: pair[0] or 0)]
    if not isinstance(names, list) or not names:
        raise FolderError(f'{where}: names is {names!r}, expected a list of classes.')
    return [str(name) for name in names]


def _folders(content: Mapping) -> list[str]:
    entries = [content.get(split) for split in SPLITS]
    return [
        str(part) for entry in entries for part in (entry if isinstance(entry, list) else [entry]) if part
    ]


def _annotated(
    tree: FileTree, path: str, content: Mapping, names: list[str], left_out: LeftOut
) -> Iterator[Annotated]:
    seen: set[str] = set()
    for split in SPLITS:
        entry = content.get(split)
        for place in entry if isinstance(entry, list) else [entry] if entry else []:
            for image in _images(tree, path, str(content.get('path') or ''), str(place)):
                if image in seen:
                    continue
                seen.add(image)
                text = _text_of(image)
                lines = tree.text(text).splitlines() if tree.known(text) else []
                outlines = partial(_outlines, lines, names, str(tree.root / text), left_out)
                yield Annotated(text, image, None, outlines, split)


def _images(tree: FileTree, path: str, base: str, place: str) -> list[str]:
    """The images of a folder, or of a list of files, that data.yaml names."""
    own = PurePosixPath(path).parent.as_posix()
    for start in (f'{base}/{place}', place, f'{own}/{place}'):
        for folder in _tails(start):
            if folder.endswith('.txt') and tree.known(folder):
                lines = [line.strip() for line in tree.text(folder).splitlines() if line.strip()]
                return [image for line in lines if (image := tree.find(line, folder)) is not None]
            inside = [image for image in tree.images if image.startswith(f'{folder}/')]
            if inside:
                return inside
    return []


def _tails(place: str) -> Iterator[str]:
    """A path without ``..``, and its ends: data.yaml is often written for another machine."""
    parts = [part for part in place.replace('\\', '/').split('/') if part not in ('', '.', '..')]
    for start in range(len(parts)):
        yield '/'.join(parts[start:])


def _text_of(image: str) -> str:
    """``labels/train/a.txt`` of ``images/train/a.jpg``: the last folder ``images`` becomes ``labels``."""
    parts = image.split('/')
    places = [place for place, part in enumerate(parts[:-1]) if part == 'images']
    if places:
        parts[places[-1]] = 'labels'
    suffix = next(suffix for suffix in RASTERS if image.lower().endswith(suffix))
    return '/'.join(parts)[: -len(suffix)] + '.txt'


def _outlines(
    lines: list[str], names: list[str], where: str, left_out: LeftOut, size: tuple[int, int]
) -> list[Outline]:
    found = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        try:
            label, values = whole_number(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            label, values = None, []
        if label is None or not 0 <= label < len(names):
            raise FolderError(
                f'{where}:{number} begins with {words[0]!r}, expected the number of one of the {len(names)} '
                'classes of data.yaml, 0 for the first.'
            )
        if len(values) == 4:
            left_out.setdefault(NO_AREA, []).append(where)
            continue
        if len(values) < 6 or len(values) % 2 or min(values) < -1 or max(values) > 2:
            raise FolderError(
                f'{where}:{number} is not a polygon: expected pairs x y from 0 to 1, three or more.'
            )
        sides = (size[1], size[0])
        found.append(Outline(names[label], [[v * sides[i % 2] for i, v in enumerate(values)]]))
    return found
