"""Names of classes for label maps of numbers, from annotation files of other kinds in the same folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

import yaml

from ..json_fields import whole_number
from .class_lists import ClassList, ListedClass
from .coco import looks_like_coco
from .file_tree import FileTree

VOID = (255, 65535)
UNLABELED, BACKGROUND = 'unlabeled', 'background'


def names_beside(tree: FileTree, values: Collection[int]) -> tuple[ClassList | None, list[str]]:
    """Classes of a COCO file or a YAML file whose numbers are those in the label maps.

    One number may be missing in the file: one above all others, or 0 below them, as in label maps drawn with
    a number for pixels of no class.

    Args:
        tree: The folder.
        values: Numbers in the label maps.

    Returns:
        The classes with their numbers, or None where no file fits or several contradict each other; and
        sentences for the user.
    """
    found = {}
    for path, names, other in (*_of_json(tree), *_of_yaml(tree)):
        missing = sorted(set(values) - set(names) - set(VOID))
        if len(names) < 2 or not set(values) & set(names):
            continue
        if len(missing) > 1 or any(min(names) < value < max(names) for value in missing):
            continue
        found[path] = {**names, **{value: other if value == 0 else UNLABELED for value in missing}}
    if not found:
        return None, []
    path, names = next(iter(found.items()))
    if any(content != names for content in found.values()):
        return None, []
    note = f'Names of the classes are those of {path}, whose numbers are those in the label maps'
    missing = [value for value, name in names.items() if name in (UNLABELED, BACKGROUND)]
    note += f'; {missing[0]} is not among them, and taken as {names[missing[0]]}.' if missing else '.'
    classes = [ListedClass(name, value) for value, name in sorted(names.items())]
    return ClassList(path, classes), [note]


def _of_json(tree: FileTree) -> Iterator[tuple[str, dict[int, str], str]]:
    """Path, names by id, and what a missing 0 means, of each of COCO's files."""
    for path in tree.with_suffix('.json'):
        content = tree.json(path) if looks_like_coco(tree, path) else None
        if not isinstance(content, dict) or not content.get('images'):
            continue
        entries = [entry for entry in content.get('categories') or () if isinstance(entry, dict)]
        names = {whole_number(entry.get('id')): entry.get('name') for entry in entries}
        annotations = [entry for entry in content.get('annotations') or () if isinstance(entry, dict)]
        panoptic = any('segments_info' in entry for entry in annotations[:10])
        if names and None not in names and all(isinstance(name, str) for name in names.values()):
            yield path, names, UNLABELED if panoptic else BACKGROUND  # type: ignore[misc]


def _of_yaml(tree: FileTree) -> Iterator[tuple[str, dict[int, str], str]]:
    """The same of YAML files with ``names``, a list or by number."""
    for path in tree.with_suffix('.yaml', '.yml'):
        if len(PurePosixPath(path).parts) > 3:
            continue
        try:
            content = yaml.safe_load(tree.text(path))
        except yaml.YAMLError:
            continue
        names = content.get('names') if isinstance(content, dict) else None
        if isinstance(names, list):
            names = dict(enumerate(names))
        if isinstance(names, dict) and names and all(whole_number(key) is not None for key in names):
            yield path, {int(key): str(name) for key, name in names.items()}, BACKGROUND
