"""Names, numbers and colors of classes, from the text, CSV and JSON files that tools write for them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ..json_fields import whole_number
from .contents import FolderError
from .file_tree import FileTree

WORDS = ('class', 'label', 'categor', 'codes', 'names', 'palette', 'objectinfo')
IGNORED = {
    'void', 'unlabeled', 'unlabelled', 'unlabeled area', 'ignore', 'ignored', '__ignore__', '_ignore_',
    'ignore_label', 'not labeled', 'no label',
}  # fmt: skip
"""Names of classes that stand for pixels of no class."""
Color = tuple[int, int, int]


class ListedClass(NamedTuple):
    """A class as a list has it.

    Attributes:
        name: Its name.
        value: Its number in label maps; None if the list has no numbers, which count from 0 then.
        color: Red, green and blue; None if the list has no colors.
    """

    name: str
    value: int | None = None
    color: Color | None = None

    @property
    def ignored(self) -> bool:
        """Whether its pixels belong to no class."""
        return is_ignored(self.name)


class ClassList(NamedTuple):
    """The classes of a file.

    Attributes:
        path: The file, below the folder.
        classes: In its order.
    """

    path: str
    classes: list[ListedClass]

    @property
    def by_color(self) -> dict[Color, ListedClass]:
        """Classes by color; empty unless all have one of their own."""
        found = {entry.color: entry for entry in self.classes if entry.color is not None}
        return found if len(found) == len(self.classes) else {}

    @property
    def by_value(self) -> dict[int, ListedClass]:
        """Classes by their number in label maps, their place in the list where it has no numbers."""
        classes = self.classes[self.classes[0].name == '__ignore__' :]  # Labelme gives it the number -1
        return {place if entry.value is None else entry.value: entry for place, entry in enumerate(classes)}


def is_ignored(name: str) -> bool:
    """Whether a class of this name stands for pixels of no class."""
    return name.strip().lower().replace('-', ' ') in IGNORED


def find_class_list(tree: FileTree) -> ClassList | None:
    """The list of classes of a folder: ``classes.txt``, ``class_dict.csv``, ``labelmap.txt``, ...

    Raises:
        FolderError: Two lists contradict each other, or a list names a class twice.
    """
    found: list[ClassList] = []
    for path in tree.with_suffix('.txt', '.csv', '.json'):
        place = PurePosixPath(path)
        if len(place.parts) > 3 or not _is_list_name(place.stem):
            continue
        entries = _parse(tree, path)
        if entries:
            _check(tree, path, entries)
            found.append(ClassList(path, entries))
    if not found:
        return None
    best = max(found, key=_detail)
    names = [entry.name for entry in best.classes]
    for other in found:
        if sorted(entry.name for entry in other.classes) != sorted(names):
            raise FolderError(
                f'{tree.root} has two lists of classes that differ: {best.path} with {len(names)} and '
                f'{other.path} with {len(other.classes)}: remove one of them.'
            )
    return best


def _detail(found: ClassList) -> tuple[int, int]:
    first = found.classes[0]
    return (first.value is not None) + (first.color is not None), -found.path.count('/')


def _is_list_name(stem: str) -> bool:
    lowered = stem.lower()
    return any(word in lowered for word in WORDS) and len(lowered) < 24


def _parse(tree: FileTree, path: str) -> list[ListedClass]:
    if path.lower().endswith('.json'):
        return _of_json(tree.json(path))
    text = tree.text(path)
    if path.lower().endswith('.csv'):
        return _of_table(text)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith('#')]
    return [_of_line(line) for line in lines]


def _check(tree: FileTree, path: str, entries: Sequence[ListedClass]) -> None:
    for key in ('name', 'value'):
        values = [getattr(entry, key) for entry in entries if getattr(entry, key) is not None]
        values = [value for value in values if not is_ignored(str(value))]
        repeated = next((value for place, value in enumerate(values) if value in values[:place]), None)
        if repeated is not None:
            raise FolderError(f'{tree.root / path} lists the {key} {repeated!r} twice: correct it there.')


_VOC_LINE = re.compile(r'([^:]+):(\d+),(\d+),(\d+):.*')
_COLOR_FIRST = re.compile(r'(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\D.*)')
_COLOR_LAST = re.compile(r'(.*?\D)[\s,:]+(\d+)[\s,]+(\d+)[\s,]+(\d+)')
_NUMBER_FIRST = re.compile(r'(\d+)\s*[\s:,=]\s*(\D.*)')


def _of_line(line: str) -> ListedClass:
    """A class of a line of text.

    Forms: ``road``; ``7 road``; ``128 64 128 road``; ``road 128 64 128``; ``road:128,64,128::``.
    """
    if match := _VOC_LINE.fullmatch(line) or _COLOR_LAST.fullmatch(line):
        return ListedClass(match[1].strip(' :,\t'), None, _color(match.groups()[1:]))
    if match := _COLOR_FIRST.fullmatch(line):
        return ListedClass(match[4].strip(), None, _color(match.groups()[:3]))
    if match := _NUMBER_FIRST.fullmatch(line):
        return ListedClass(match[2].strip(), int(match[1]))
    return ListedClass(line.strip('"\''))


def _of_table(text: str) -> list[ListedClass]:
    """Classes of a CSV file with a header: name or class, perhaps r, g, b, and a number."""
    rows = [row for row in csv.reader(io.StringIO(text), skipinitialspace=True) if row]
    if not rows:
        return []
    header = [cell.strip().lower() for cell in rows[0]]
    column = {key: _column(header, names) for key, names in _COLUMNS.items()}
    if column['name'] is None:
        return [_of_line(', '.join(row)) for row in rows]
    return [_of_row(row, column) for row in rows[1:]]


_COLUMNS = {
    'name': ('name', 'class', 'class_name', 'label', 'label_name', 'category'),
    'value': ('pixel value', 'value', 'id', 'index', 'class_id', 'label_id', 'trainid'),
    'r': ('r', 'red'),
    'g': ('g', 'green'),
    'b': ('b', 'blue'),
}


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _of_row(row: Sequence[str], column: Mapping[str, int | None]) -> ListedClass:
    cells = {
        key: row[place].strip() for key, place in column.items() if place is not None and place < len(row)
    }
    color = _color([cells.get(key) for key in 'rgb'])
    return ListedClass(cells.get('name', ''), whole_number(cells.get('value')), color)


def _of_json(content: Any) -> list[ListedClass]:
    """Classes of a JSON list or object: names, name by number, number or color by name, or objects."""
    if isinstance(content, dict):
        inner = next((content[key] for key in ('classes', 'categories', 'labels') if key in content), None)
        if isinstance(inner, list | dict):
            return _of_json(inner)
        return [entry for item in content.items() if (entry := _of_item(*item))]
    if not isinstance(content, list):
        return []
    if all(isinstance(entry, str) for entry in content):
        return [ListedClass(name) for name in content]
    if not all(isinstance(entry, dict) for entry in content):
        return []
    return [entry for fields in content if (entry := _of_object(fields))]


def _of_item(key: str, value: Any) -> ListedClass | None:
    if isinstance(value, str) and whole_number(key) is not None:
        return ListedClass(value, whole_number(key))
    if isinstance(value, list) and len(value) == 3:
        return ListedClass(key, None, _color(value))
    return ListedClass(key, value) if type(value) is int else None


def _of_object(fields: Mapping) -> ListedClass | None:
    name = next((fields[key] for key in ('name', 'title', 'label', 'class') if key in fields), None)
    value = next((fields[key] for key in ('value', 'id', 'index') if key in fields), None)
    color = fields.get('color')
    if isinstance(color, str) and re.fullmatch('#[0-9a-fA-F]{6}', color):
        color = list(bytes.fromhex(color[1:]))
    if not isinstance(name, str):
        return None
    return ListedClass(name, whole_number(value), _color(color) if isinstance(color, list) else None)


def _color(values: Any) -> Color | None:
    numbers = [whole_number(value) for value in values]
    if len(numbers) != 3 or any(number is None or not 0 <= number < 256 for number in numbers):
        return None
    return tuple(numbers)  # type: ignore[return-value]
