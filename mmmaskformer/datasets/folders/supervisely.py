"""Supervisely: meta.json, and a JSON file of objects beside each image in ``DATASET/ann``."""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ..json_fields import image_size
from .contents import ClassOfFolder, FolderError, LeftOut, Reading
from .file_tree import FileTree
from .objects import NO_AREA, Annotated, Outline, collect, placed_mask, with_holes


def read_supervisely(tree: FileTree) -> Reading | None:
    """A project of Supervisely; None if the folder has none.

    Raises:
        FolderError: An object cannot be read, or is of a class that meta.json lacks.
    """
    metas = [path for path in tree.with_suffix('.json') if PurePosixPath(path).name == 'meta.json']
    contents = [tree.json(path) for path in metas]
    contents = [content for content in contents if isinstance(content, dict) and 'classes' in content]
    if not contents:
        return None
    classes = [
        ClassOfFolder(str(entry['title']).strip(), True, _color(entry.get('color')))
        for entry in contents[0]['classes']
    ]
    left_out: LeftOut = {}
    return collect(tree, 'supervisely', _annotated(tree, left_out), classes, left_out)


def _color(text: Any) -> Any:
    matches = isinstance(text, str) and re.fullmatch('#[0-9a-fA-F]{6}', text)
    return tuple(bytes.fromhex(text[1:])) if matches else None


def _annotated(tree: FileTree, left_out: LeftOut) -> Iterator[Annotated]:
    for path in tree.with_suffix('.json'):
        place = PurePosixPath(path)
        document = tree.json(path) if place.parent.name == 'ann' else None
        if not isinstance(document, dict) or 'objects' not in document:
            continue
        name = place.name.removesuffix('.json')
        image = tree.known((place.parent.parent / 'img' / name).as_posix()) or tree.find(name, path)
        size = image_size(document.get('size') or {})
        outlines = partial(_outlines, document['objects'], str(tree.root / path), left_out)
        yield Annotated(path, image, size, outlines)


def _outlines(objects: list[Mapping], where: str, left_out: LeftOut, size: tuple[int, int]) -> list[Outline]:
    found = []
    for entry in objects:
        try:
            segmentation = _segmentation(entry, size)
        except (KeyError, TypeError, ValueError, OSError, zlib.error) as error:
            raise FolderError(f'{where}: an object cannot be read ({error}): export it anew.') from error
        if segmentation is None:
            left_out.setdefault(NO_AREA, []).append(where)
        else:
            found.append(Outline(str(entry['classTitle']).strip(), segmentation))
    return found


def _segmentation(entry: Mapping, size: tuple[int, int]) -> list | dict | None:
    kind = entry.get('geometryType') or ('bitmap' if entry.get('bitmap') else 'polygon')
    if kind == 'bitmap':
        bitmap = entry['bitmap']
        content = zlib.decompress(base64.b64decode(bitmap['data']))
        pixels = np.array(Image.open(io.BytesIO(content)).convert('RGBA'))
        left, top = bitmap['origin']
        return placed_mask(pixels[..., 3] > 0, left, top, size)
    if kind != 'polygon':
        return None
    outer, *holes = (
        [float(value) for corner in ring for value in corner]
        for ring in (entry['points']['exterior'], *entry['points'].get('interior', ()))
    )
    return with_holes(outer, holes, size)
