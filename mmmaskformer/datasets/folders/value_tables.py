"""Which number or color of label maps is which class: by a list of classes, else by what occurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .class_lists import ClassList, ListedClass
from .contents import ClassOfFolder, FolderError
from .map_values import unpack_color

VOID = (255, 65535)
MOST_VALUES = 256
"""Numbers that label maps without a list of classes may hold; maps of objects' ids hold more."""
UNLISTED = (
    'There is no list of classes: they are called by {what}. Write their names, one a line in the order of '
    'the {order}, to classes.txt in the folder, "unlabeled" for pixels that are to be ignored.'
)


@dataclass
class ValueTable:
    """Classes of label maps.

    Attributes:
        classes: In the order of their labels.
        index: Of the class of each number or packed color; None where pixels belong to no class.
        notes: Sentences for the user.
    """

    classes: list[ClassOfFolder] = field(default_factory=list)
    index: dict[int, int | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, value: int, entry: ListedClass) -> None:
        """Add a class, or a number of pixels of no class."""
        if entry.ignored:
            self.index[value] = None
            return
        self.index[value] = len(self.classes)
        self.classes.append(ClassOfFolder(entry.name, color=entry.color))


def table_of_numbers(
    owners: Mapping[int, str], class_list: ClassList | None, palette: Mapping[int, int], where: str
) -> ValueTable:
    """The classes of label maps of numbers.

    Args:
        owners: The numbers that occur, each with a file that has it.
        class_list: Names, and perhaps numbers, of the classes.
        palette: Packed color of each number, where files have a palette.
        where: The folder, for messages.

    Raises:
        FolderError: Numbers and list contradict each other, or there are too many numbers for classes.
    """
    values = sorted(owners)
    if class_list is None:
        return _without_list(values, palette, where)
    listed, notes = _numbered(values, class_list)
    void = [value for value in VOID if value not in listed]
    unknown = [value for value in values if value not in listed and value not in void]
    if unknown:
        raise FolderError(
            f'{where}: {owners[unknown[0]]} has the number {unknown[0]}, but {class_list.path} lists '
            f'{len(class_list.classes)} classes with the numbers {min(listed)} to {max(listed)}: add the '
            'class to the list, or correct the label map.'
        )
    table = ValueTable(notes=notes)
    for value in listed:
        table.add(value, _colored(listed[value], palette.get(value)))
    table.index.update({value: None for value in void if value in values})
    return table


def _numbered(values: Sequence[int], class_list: ClassList) -> tuple[dict[int, ListedClass], list[str]]:
    """The listed classes by number; numbers of the list, or counted from 0 or, if these fit, from 1."""
    listed = dict(class_list.by_value)
    number = len(class_list.classes)
    if any(entry.value is not None for entry in class_list.classes):
        return dict(sorted(listed.items())), []
    labels = [value for value in values if value not in VOID]
    if set(values) <= {0, 255} and 255 in values and number <= 2:
        names = [ListedClass('background')] * (number == 1) + class_list.classes
        return {0: names[0], 255: names[1]}, ['Masks hold 0 for the background and 255 for the object.']
    if labels and max(labels) == number:
        shifted = {place + 1: entry for place, entry in listed.items()}
        note = f'Classes count from 1 in the label maps, in the order of {class_list.path}'
        return {0: ListedClass('unlabeled'), **shifted}, [f'{note}; 0 is taken as unlabeled.']
    absent = sum(value not in values for value in listed)
    note = (
        f'The numbers in the label maps are taken as places in {class_list.path}, 0 for the first; {absent} '
        f'of the {number} classes do not occur. If 0 is not a class, write the number before each name.'
    )
    return listed, [note] if absent and 0 in values else []


def _without_list(values: Sequence[int], palette: Mapping[int, int], where: str) -> ValueTable:
    if len(values) > MOST_VALUES:
        raise FolderError(
            f'{where}: the label maps hold {len(values)} different numbers up to {values[-1]}, as photos '
            'or maps of object ids do, and there is no list of classes: give label maps with a number for '
            'each class, or add classes.txt with a name a line.'
        )
    table = ValueTable()
    binary = [value for value in values if value != 255 or len(values) < 3]
    if binary in ([0, 1], [0, 255]):
        table.notes.append(
            f'Label maps hold 0 and {binary[1]} alone: taken as background and object. Write other names, '
            'one a line, to classes.txt.'
        )
        names = dict(zip(binary, ('background', 'object')))
    else:
        kept = [value for value in values if value not in VOID or _is_spread(values)]
        names = {value: f'class_{value}' for value in kept}
        table.notes.append(UNLISTED.format(what='their numbers in the label maps', order='numbers'))
    for value, name in names.items():
        table.add(value, _colored(ListedClass(name), palette.get(value)))
    void = [value for value in values if value not in names]
    table.index.update(dict.fromkeys(void))
    if void:
        table.notes.append(f'Pixels of {" and ".join(map(str, void))} belong to no class.')
    return table


def _is_spread(values: Sequence[int]) -> bool:
    """Whether numbers were spread from 0 to 255 to be seen, so that 255 is a class: 0, 85, 170, 255."""
    step = 255 / (len(values) - 1) if len(values) > 1 else 0
    return step > 1 and all(abs(value - place * step) <= 1 for place, value in enumerate(values))


def _colored(entry: ListedClass, color: int | None) -> ListedClass:
    return entry if entry.color or color is None else entry._replace(color=unpack_color(color))


def table_of_colors(owners: Mapping[int, str], class_list: ClassList | None, where: str) -> ValueTable:
    """The classes of label maps of colors.

    Args:
        owners: The packed colors that occur, each with a file that has it.
        class_list: Names and colors of the classes; without colors it does not say which is which.
        where: The folder, for messages.

    Raises:
        FolderError: A color is not in the list, or there are too many colors for classes.
    """
    colors = {} if class_list is None else class_list.by_color
    table = ValueTable()
    if class_list is not None and colors:
        packed = {red << 16 | green << 8 | blue: entry for (red, green, blue), entry in colors.items()}
        unknown = [value for value in sorted(owners) if value not in packed]
        if unknown:
            raise FolderError(
                f'{where}: {owners[unknown[0]]} has the color {unpack_color(unknown[0])}, one of '
                f'{len(unknown)} that {class_list.path} does not list: add its class there ("unlabeled" for '
                'pixels to be ignored), or correct the label map.'
            )
        for value, entry in packed.items():
            table.add(value, entry)
        return table
    if len(owners) > MOST_VALUES:
        raise FolderError(
            f'{where}: the label maps hold {len(owners)} different colors, as photographs and drawings with '
            'smooth edges do: give label maps with one color for each class.'
        )
    for value in sorted(owners):
        name = 'black' if value == 0 else f'color_{value:06x}'
        table.add(value, ListedClass(name, None, unpack_color(value)))
    table.notes.append(
        'No list gives the colors of the classes: they are called by their colors. Write a line "red green '
        'blue name" for each to classes.txt in the folder, "unlabeled" as name for pixels to be ignored.'
    )
    return table


def numbers_of(index: Mapping[int, int | None]) -> dict[str, int | None]:
    """A table as JSON has it."""
    return {str(value): place for value, place in sorted(index.items())}
