"""Categories of panoptic and instance data: lists packaged in ``category_lists``, reading and checks."""

from __future__ import annotations

import colorsys
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .json_fields import whole_number

FOLDER = Path(__file__).parent / 'category_lists'
PACKAGED = ('ade20k_panoptic', 'cityscapes_panoptic', 'coco_panoptic', 'mapillary_panoptic')
THINGS = {name.replace('panoptic', 'instance'): name for name in PACKAGED}
"""Lists of the things of a packaged list alone."""
GOLDEN_RATIO = 0.618034

Source = str | Path | Sequence[Mapping[str, Any]]


class Category(NamedTuple):
    """A class as annotation files describe it.

    Attributes:
        id: Its number in annotation files, not its place among the classes.
        name: Its name.
        isthing: Whether its segments are single objects.
        color: Red, green and blue.
        aliases: Alternative names in annotation files.
    """

    id: int
    name: str
    isthing: bool
    color: tuple[int, int, int]
    aliases: tuple[str, ...] = ()


def load_categories(source: Source) -> tuple[Category, ...]:
    """Categories in the order of ``source``, which is the order of the class indices.

    Args:
        source: Name of a packaged list (`PACKAGED`) or of its things alone (`THINGS`), path of a JSON file
            with a list of categories or with the key ``categories``, or a list of dicts with ``id``,
            ``name``, ``isthing`` and perhaps ``color`` and ``aliases``.

    Raises:
        FileNotFoundError: There is neither such a list nor such a file.
        ValueError: The file is not such a JSON file; an entry lacks a key, or two have the same id or name.
    """
    if not isinstance(source, str | Path):
        return parse_categories(source, 'categories')
    if source in THINGS:
        return tuple(category for category in load_categories(THINGS[str(source)]) if category.isthing)
    path = FOLDER / f'{source}.json' if source in PACKAGED else Path(source)
    if not path.is_file():
        names = ', '.join([*PACKAGED, *THINGS])
        raise FileNotFoundError(
            f'categories={str(source)!r} is neither a file nor one of {names}: set categories to one of '
            'these, to the path of a JSON file or to a list of dicts.'
        )
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'categories={str(source)!r} is not JSON ({error}): replace the file.') from error
    if isinstance(document, dict):
        document = document.get('categories')
    return parse_categories(document, str(path))


def parse_categories(
    entries: Iterable[Mapping[str, Any]], where: str, all_things: bool = False
) -> tuple[Category, ...]:
    """Check the entries of a list of categories.

    Args:
        entries: Dicts as in COCO's JSON files.
        where: The file or setting they come from, for the messages.
        all_things: ``isthing`` may be left out, as in instance annotations.

    Raises:
        ValueError: An entry lacks a key, or two have the same id or name.
    """
    categories: list[Category] = []
    ids: dict[int, Category] = {}
    names: dict[str, Category] = {}
    if not isinstance(entries, Iterable) or isinstance(entries, str | Mapping):
        raise ValueError(f'{where}: the categories are {entries!r}, expected a list: correct them there.')
    for entry in entries:
        _check_entry(entry, where, ('id', 'name') if all_things else ('id', 'name', 'isthing'))
        number = whole_number(entry['id'])
        assert number is not None  # as checked
        category = Category(
            id=number,
            name=entry['name'].strip(),
            isthing=bool(entry.get('isthing', True)),
            color=tuple(_color(entry) or default_color(len(categories))),
            aliases=tuple(entry.get('aliases', ())),
        )
        for key, seen in (('id', ids), ('name', names)):
            value = getattr(category, key)
            if value in seen:
                raise ValueError(
                    f'{where}: the categories {_named(seen[value])} and {_named(category)} have the same '
                    f'{key}: remove or rename one of them.'
                )
            seen[value] = category
        categories.append(category)
    if not categories:
        raise ValueError(f'{where}: the list of categories is empty; at least one is needed.')
    return tuple(categories)


def _check_entry(entry: Any, where: str, needed: Sequence[str]) -> None:
    if not isinstance(entry, Mapping):
        raise ValueError(
            f'{where}: the category {entry!r} is not an object with id and name: correct it there.'
        )
    for key in needed:
        if key not in entry:
            raise ValueError(f'{where}: the category {dict(entry)} has no {key!r}: add it.')
    color = _color(entry) or (0, 0, 0)
    for key, fits, expected in (
        ('id', whole_number(entry['id']) is not None, 'a whole number'),
        ('name', isinstance(entry['name'], str), 'text'),
        ('isthing', entry.get('isthing', 1) in (0, 1), '0 or 1'),
        ('color', isinstance(color, list | tuple) and len(color) == 3 and all(c in range(256) for c in color),
         'red, green and blue from 0 to 255, or text such as #ff8000'),
    ):  # fmt: skip
        if not fits:
            raise ValueError(
                f'{where}: the category {dict(entry)} has {key}={entry[key]!r}, expected {expected}: '
                'correct it there.'
            )


def _color(entry: Mapping) -> Any:
    """Red, green and blue, also of a text such as ``#ff8000``; None if the entry has none."""
    color = entry.get('color')
    if isinstance(color, str) and re.fullmatch('#[0-9a-fA-F]{6}', color):
        return list(bytes.fromhex(color[1:]))
    return color


def check_agreement(expected: Sequence[Category], found: Sequence[Category], where: str) -> None:
    """Compare the categories of an annotation file with the list that defines the classes.

    The file may have a part of them, in any order.

    Raises:
        ValueError: A category of the file is unknown, has another name, or differs in ``isthing``.
    """
    by_id = {category.id: category for category in expected}
    for category in found:
        known = by_id.get(category.id)
        if known is None:
            raise ValueError(
                f'{where}: the category {_named(category)} is not in the list of {len(expected)} categories: '
                'add it to categories, or remove the setting categories to take those of the file.'
            )
        if category.name not in (known.name, *known.aliases):
            raise ValueError(
                f'{where}: the category {_named(category)} is {known.name!r} in the list of categories: '
                'correct the file, or set categories to the list that belongs to it.'
            )
        if category.isthing != known.isthing:
            raise ValueError(
                f'{where}: the category {_named(category)} has isthing={int(category.isthing)}, but '
                f'isthing={int(known.isthing)} in the list of categories: correct one of them.'
            )


def metainfo_of(categories: Sequence[Category]) -> dict[str, Any]:
    """Metainfo of a data set: names of the classes, palette, names of the things, and ids in files."""
    return dict(
        classes=tuple(category.name for category in categories),
        palette=[list(category.color) for category in categories],
        thing_classes=tuple(category.name for category in categories if category.isthing),
        category_ids=tuple(category.id for category in categories),
    )


def default_color(index: int) -> tuple[int, int, int]:
    """A color for the class of this index, always the same, and different from those of its neighbors."""
    hue = index * GOLDEN_RATIO % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.9, 0.6, 0.75)[index % 3], (0.95, 0.8, 0.6)[index // 3 % 3])
    return round(255 * red), round(255 * green), round(255 * blue)


def _named(category: Category) -> str:
    return f'{category.id} ({category.name!r})'
