"""Checks of the fields of entries in JSON files."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, tuple[type, ...]]
"""Allowed types of each key; the type of None allows a missing key."""

NONE = type(None)
NUMBER = (int, float, str)
"""A whole number, which some tools write as ``1.0`` or ``"1"``; :func:`whole_number` reads it."""
NAMES = {
    int: 'a whole number',
    str: 'text',
    list: 'a list',
    dict: 'an object',
}
FLAGS = {None: False, '': False, 'false': False, 'true': True, '0': False, '1': True, 0: False, 1: True}

IMAGE: Fields = dict(id=NUMBER, file_name=(str,))
ANNOTATION: Fields = dict(image_id=NUMBER, file_name=(str,), segments_info=(list,))
SEGMENT: Fields = dict(id=NUMBER, category_id=NUMBER)
OBJECT: Fields = dict(image_id=NUMBER, category_id=NUMBER, segmentation=(list, dict, NONE))


def check_entries(entries: Any, fields: Fields, where: str) -> list[dict]:
    """Check that a list holds objects with the required keys and values of the allowed types.

    Args:
        entries: The list as read from the file.
        fields: Keys and their types.
        where: File and place in it, for the messages.

    Returns:
        ``entries``.

    Raises:
        ValueError: They are not a list of objects, or a key is missing or has a value of another type.
    """
    if not isinstance(entries, list):
        raise ValueError(f'{where} is {reprlib.repr(entries)}, expected a list: correct the file.')
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
    return entries


def whole_number(value: Any) -> int | None:
    """1, 1.0 and '1' are 1; None for everything else."""
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and value.strip().removeprefix('-').isdecimal():
        return int(value)
    return None


def needed_number(entry: Mapping, key: str, where: str) -> int:
    """The whole number under a key.

    Raises:
        ValueError: The value is not a whole number.
    """
    number = whole_number(entry[key])
    if number is None:
        raise ValueError(f'{where} {_fault(entry, key, (int,))}: correct that entry.')
    return number


def image_size(entry: Mapping) -> tuple[int, int] | None:
    """Height and width of an entry; None unless both are positive whole numbers."""
    height, width = whole_number(entry.get('height')), whole_number(entry.get('width'))
    return (height, width) if height and width and height > 0 and width > 0 else None


def crowd_flag(entry: Mapping, where: str) -> bool:
    """Whether an entry is a crowd; without the key ``iscrowd`` it is not.

    Raises:
        ValueError: ``iscrowd`` is neither 0 nor 1.
    """
    value = entry.get('iscrowd')
    flag = FLAGS.get(value.lower() if isinstance(value, str) else value) if _hashable(value) else None
    if flag is None:
        raise ValueError(f'{where} has iscrowd={value!r}, expected 0 or 1: correct that entry.')
    return flag


def listed_area(entry: Mapping) -> float | None:
    """The area of an entry; None, so that pixels are counted, if it is not a positive number."""
    value = entry.get('area')
    if type(value) not in (int, float):
        try:
            value = float(value) if isinstance(value, str) else None
        except ValueError:
            return None
    return value if value is not None and 0 < value < math.inf else None


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _fault(entry: Mapping, key: str, types: tuple[type, ...]) -> str:
    if entry.get(key) is None:
        return f'has no {key!r}'
    expected = ' or '.join(NAMES[kind] for kind in types if kind in NAMES)
    return f'has {key}={reprlib.repr(entry[key])}, expected {expected}'
