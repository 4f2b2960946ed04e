"""The classes of the toy data set."""

from typing import NamedTuple


class Category(NamedTuple):
    """A class, with the color it has in label images (red, green, blue)."""

    name: str
    isthing: bool
    color: tuple[int, int, int]


CATEGORIES = (
    Category('sky', False, (70, 170, 230)),
    Category('building', False, (150, 110, 90)),
    Category('road', False, (120, 80, 140)),
    Category('grass', False, (130, 200, 80)),
    Category('tree', True, (20, 110, 50)),
    Category('car', True, (30, 50, 180)),
    Category('person', True, (220, 30, 70)),
    Category('ball', True, (250, 150, 30)),
    Category('crate', True, (240, 220, 70)),
    Category('sign', True, (230, 110, 210)),
)
"""Category ids and pixels of label maps are positions in this tuple, counted from 1; 0 is unlabelled."""

UNLABELLED = 0
CATEGORY_IDS = {category.name: number for number, category in enumerate(CATEGORIES, start=1)}
