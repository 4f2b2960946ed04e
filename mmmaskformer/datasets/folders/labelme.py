"""Labelme: a JSON file with shapes for each image."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ..json_fields import image_size
from .class_lists import find_class_list, is_ignored
from .contents import ClassOfFolder, FolderError, LeftOut, Reading
from .file_tree import FileTree
from .objects import NO_AREA, Annotated, Outline, collect, placed_mask

NOT_LEARNED = 'objects of classes that are ignored'
SAMPLE = 5
"""JSON files that are opened to recognise the format."""
CIRCLE_CORNERS = 64


def read_labelme(tree: FileTree) -> Reading | None:
    """Labelme's files of a folder; None if it has none.

    Raises:
        FolderError: A file contradicts itself, or a class is not in the folder's list.
    """
    paths = tree.with_suffix('.json')
    if not any(_is_labelme(tree.json(path)) for path in paths[:SAMPLE]):
        return None
    left_out: LeftOut = {}
    found = find_class_list(tree)
    classes = None
    if found is not None:
        kept = [entry for entry in found.classes if not entry.ignored and entry.name != '_background_']
        classes = [ClassOfFolder(entry.name, True, entry.color) for entry in kept]
    return collect(tree, 'labelme', _annotated(tree, paths, left_out), classes, left_out)


def _is_labelme(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get('shapes'), list)


def _annotated(tree: FileTree, paths: list[str], left_out: LeftOut) -> Iterator[Annotated]:
    for path in paths:
        document = tree.json(path)
        if not _is_labelme(document):
            continue
        name = document.get('imagePath') or ''
        image = tree.find(name, path) or tree.find(path.rsplit('/', 1)[-1][:-5], path, by_stem=True)
        size = image_size(dict(height=document.get('imageHeight'), width=document.get('imageWidth')))
        outlines = partial(_outlines, document['shapes'], str(tree.root / path), left_out)
        yield Annotated(path, image, size, outlines)


def _outlines(shapes: list[Mapping], where: str, left_out: LeftOut, size: tuple[int, int]) -> list[Outline]:
    """The objects of an image; polygons of one group and class are one object."""
    found: list[Outline] = []
    groups: dict[tuple, list] = {}
    for shape in shapes:
        name = str(shape.get('label', '')).strip()
        try:
            segmentation = _segmentation(shape, size)
        except (TypeError, ValueError, KeyError, OSError) as error:
            raise FolderError(
                f'{where}: a shape of {name!r} cannot be read ({error}): correct it.'
            ) from error
        if segmentation is None or is_ignored(name):
            left_out.setdefault(NO_AREA if segmentation is None else NOT_LEARNED, []).append(where)
            continue
        group = shape.get('group_id')
        if group is not None and isinstance(segmentation, list):
            if (name, group) in groups:
                groups[name, group] += segmentation
                continue
            groups[name, group] = segmentation
        found.append(Outline(name, segmentation))
    return found


def _segmentation(shape: Mapping, size: tuple[int, int]) -> list | dict | None:
    """The outline of a shape; None if it has no area."""
    kind = shape.get('shape_type') or 'polygon'
    points = [(float(x), float(y)) for x, y in shape.get('points', ())]
    if kind == 'mask':
        content = base64.b64decode(shape['mask'])
        mask = np.array(Image.open(io.BytesIO(content))) > 0
        return placed_mask(mask, round(points[0][0]), round(points[0][1]), size)
    if kind == 'rectangle' and len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    elif kind == 'circle' and len(points) == 2:
        points = _circle(*points)
    elif kind not in ('polygon', 'rectangle', 'oriented_rectangle'):
        return None
    return [[value for point in points for value in point]] if len(points) > 2 else None


def _circle(center: tuple[float, float], edge: tuple[float, float]) -> list[tuple[float, float]]:
    radius = math.dist(center, edge)
    angles = (2 * math.pi * place / CIRCLE_CORNERS for place in range(CIRCLE_CORNERS))
    return [(center[0] + radius * math.cos(a), center[1] + radius * math.sin(a)) for a in angles]
