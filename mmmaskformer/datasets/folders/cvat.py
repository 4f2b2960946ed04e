"""CVAT: ``annotations.xml`` in the format "CVAT for images"."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..json_fields import image_size
from .contents import ClassOfFolder, FolderError, LeftOut, Reading
from .file_tree import FileTree
from .objects import NO_AREA, Annotated, Outline, collect, placed_mask
from .splits import split_of_word

WITH_AREA = ('polygon', 'mask', 'ellipse')
WITHOUT_AREA = ('box', 'polyline', 'points', 'cuboid', 'skeleton')
ELLIPSE_CORNERS = 64


def read_cvat(tree: FileTree) -> Reading | None:
    """CVAT's XML files of a folder; None if it has none.

    Raises:
        FolderError: A file is not XML, or that of a video; files list different classes.
    """
    roots = {path: _parse(tree, path) for path in tree.with_suffix('.xml') if _looks_right(tree, path)}
    if not roots:
        return None
    classes: list[ClassOfFolder] = []
    for root in roots.values():
        known = {entry.name for entry in classes}
        classes += [entry for entry in _classes(root) if entry.name not in known]
    left_out: LeftOut = {}
    annotated = (entry for path, root in roots.items() for entry in _annotated(tree, path, root, left_out))
    return collect(tree, 'cvat', annotated, classes or None, left_out)


def _looks_right(tree: FileTree, path: str) -> bool:
    with (tree.root / path).open('rb') as file:
        return b'<annotations' in file.read(1000)


def _parse(tree: FileTree, path: str) -> ElementTree.Element:
    content = (tree.root / path).read_bytes()
    if b'<!ENTITY' in content:
        raise FolderError(f'{tree.root / path} defines entities, which CVAT does not write: export it anew.')
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise FolderError(f'{tree.root / path} is not XML ({error}): export it anew.') from error
    if root.find('track') is not None:
        raise FolderError(
            f'{tree.root / path} has the tracks of a video: export it in the format "CVAT for images".'
        )
    return root


def _classes(root: ElementTree.Element) -> list[ClassOfFolder]:
    """Labels in the order of the task; those of skeletons' points are left out."""
    found = []
    for label in root.findall('./meta/*/labels/label'):
        color = label.findtext('color') or ''
        rgb = tuple(bytes.fromhex(color[1:])) if re.fullmatch('#[0-9a-fA-F]{6}', color) else None
        if label.find('parent') is None and label.findtext('type') != 'skeleton':
            found.append(ClassOfFolder((label.findtext('name') or '').strip(), True, rgb))  # type: ignore[arg-type]
    return found


def _annotated(
    tree: FileTree, path: str, root: ElementTree.Element, left_out: LeftOut
) -> Iterator[Annotated]:
    for element in root.findall('image'):
        name = element.get('name', '')
        subset = element.get('subset') or ''
        image = (tree.find(f'{subset}/{name}', path) if subset else None) or tree.find(name, path)
        size = image_size(element.attrib)
        outlines = partial(_outlines, element, f'{path}: {name}', left_out)
        yield Annotated(f'{path}: {name}', image, size, outlines, split_of_word(subset))


def _outlines(
    image: ElementTree.Element, where: str, left_out: LeftOut, size: tuple[int, int]
) -> list[Outline]:
    """The objects of an image, those in front last; shapes of one group and class are one object."""
    shapes = sorted((shape for shape in image if shape.tag in WITH_AREA), key=_depth)
    boxes = [shape for shape in image if shape.tag in WITHOUT_AREA]
    left_out.setdefault(NO_AREA, []).extend([where] * len(boxes))
    found: list[Outline] = []
    groups: dict[tuple[str, str], list] = {}
    for shape in shapes:
        try:
            segmentation = _segmentation(shape, size)
        except (KeyError, ValueError) as error:
            raise FolderError(f'{where}: a {shape.tag} cannot be read ({error}): export it anew.') from error
        key = shape.get('label', '').strip(), shape.get('group_id') or '0'
        if key[1] != '0' and isinstance(segmentation, list):
            if key in groups:
                groups[key] += segmentation
                continue
            groups[key] = segmentation
        found.append(Outline(key[0], segmentation))
    return found


def _depth(shape: ElementTree.Element) -> int:
    return int(shape.get('z_order') or 0)


def _segmentation(shape: ElementTree.Element, size: tuple[int, int]) -> list | dict:
    if shape.tag == 'polygon':
        return [[float(value) for value in re.split('[,;]', shape.attrib['points'])]]
    if shape.tag == 'ellipse':
        return [_ellipse(*(float(shape.attrib[key]) for key in ('cx', 'cy', 'rx', 'ry')))]
    left, top, width, height = (round(float(shape.attrib[key])) for key in ('left', 'top', 'width', 'height'))
    runs = [int(run) for run in shape.attrib['rle'].split(',')]
    if sum(runs) != width * height:
        raise ValueError(f'its run lengths sum up to {sum(runs)}, not to {width}x{height}')
    values = np.arange(len(runs)) % 2 > 0  # zeros first, along the rows
    return placed_mask(np.repeat(values, runs).reshape(height, width), left, top, size)


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> list[float]:
    angles = [2 * math.pi * place / ELLIPSE_CORNERS for place in range(ELLIPSE_CORNERS)]
    return [value for a in angles for value in (cx + rx * math.cos(a), cy + ry * math.sin(a))]
