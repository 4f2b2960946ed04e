"""Entries of JSON files, checked before anything relies on them."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, tuple[type, ...]]
"""What may stand under each key; None says that the key may be missing."""

NONE = type(None)
NAMES = {
    int: 'a whole number',
    str: 'text',
    float: 'a number',
    list: 'a list',
    dict: 'an object',
    bool: 'true',
}

IMAGE: Fields = dict(id=(int, str), file_name=(str,), height=(int, NONE), width=(int, NONE))
ANNOTATION: Fields = dict(image_id=(int, str), file_name=(str,), segments_info=(list,))
SEGMENT: Fields = dict(
    id=(int,), category_id=(int,), iscrowd=(int, bool, float, NONE), area=(int, float, NONE)
)
OBJECT: Fields = dict(
    id=(int, str),
    image_id=(int, str),
    category_id=(int,),
    segmentation=(list, dict, NONE),
    iscrowd=(int, bool, float, NONE),
    area=(int, float, NONE),
)


def check_entries(entries: Any, fields: Fields, where: str) -> list[dict]:
    """Check that a list holds objects with the keys they need, and values of the types they may have.

    Args:
        entries: The list as the file has it.
        fields: The keys.
        where: Its file and place in it, for the messages.

    Returns:
        ``entries``.

    Raises:
        ValueError: They are no list of objects, or a key is missing or has something else.
    """
    if not isinstance(entries, list):
        raise ValueError(f'{where} is {reprlib.repr(entries)}, expected a list: correct it there.')
    rules = tuple(fields.items())
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(
                f'{where}[{place}] is {reprlib.repr(entry)}, expected an object with {", ".join(fields)}: '
                'correct that entry.'
            )
        for key, types in rules:
            if type(entry.get(key)) not in types:
                raise ValueError(f'{where}[{place}] {_fault(entry, key, types)}: correct that entry.')
        _check_values(entry, f'{where}[{place}]')
    return entries


def _check_values(entry: Mapping, where: str) -> None:
    if entry.get('iscrowd', 0) not in (0, 1):
        raise ValueError(f'{where} has iscrowd={entry["iscrowd"]!r}, expected 0 or 1: correct that entry.')
    area = entry.get('area')
    if area is not None and not 0 <= area < math.inf:
        raise ValueError(
            f'{where} has area={area}, expected the number of its pixels, or none: correct that entry.'
        )


def _fault(entry: Mapping, key: str, types: tuple[type, ...]) -> str:
    if entry.get(key) is None:
        return f'has no {key!r}'
    expected = ' or '.join(NAMES[kind] for kind in types if kind is not NONE)
    return f'has {key}={reprlib.repr(entry[key])}, expected {expected}'
