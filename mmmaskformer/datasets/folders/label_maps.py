"""Label maps: numbers are read in place, colors are converted to numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...functional.targets import LARGEST_LABEL, ignored_label
from ..converters.conversion import encode_png, write_atomically
from ..image_headers import read_header
from .class_lists import ClassList, find_class_list
from .contents import FolderError, LeftOut, Reading, Sample, palette_of
from .file_tree import FileTree
from .map_values import (
    MapContent,
    contents_of_maps,
    is_gray,
    pack_colors,
    palettes_agree,
    read_pixels,
)
from .names_beside import names_beside
from .pairing import Pairs, pair_files
from .value_tables import ValueTable, numbers_of, table_of_colors, table_of_numbers
from .writing import convert_all, fingerprint, write_document

UNREADABLE = 'label maps that cannot be read'
NO_IMAGE = 'label maps without image'
NO_MAP = 'images without label map'
OTHER_SIZE = 'images whose label map has another size'
BROKEN_IMAGE = 'images that cannot be read'


@dataclass
class LabelMapReading(Reading):
    """Label maps of numbers, which training reads in place.

    Attributes:
        index: Of the class of each number; None for pixels of no class.
    """

    index: dict[int, int | None] = field(default_factory=dict)

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write a list of each split."""
        return {
            split: self._listed(members, out / f'{split}.json', [sample.annotation for sample in members])
            for split, members in samples.items()
        }

    def metainfo(self) -> dict[str, Any]:
        """Names and colors of the classes."""
        return metainfo_of(self)

    def _listed(self, samples: Sequence[Sample], path: Path, maps: Sequence[str]) -> dict:
        write_document(path, list_of(self, self.index, samples, maps))
        return dict(type=LISTED, data_root=str(self.root), ann_file=str(path))


LISTED = 'mmmaskformer.ListedLabelMapsDataset'


def list_of(
    reading: Reading, index: Mapping[int, int | None], samples: Sequence[Sample], maps: Sequence[str]
) -> dict[str, Any]:
    """The content of a list for `ListedLabelMapsDataset`."""
    return dict(
        classes=[entry.name for entry in reading.classes],
        values=numbers_of(index),
        samples=[[sample.image, label_map] for sample, label_map in zip(samples, maps)],
    )


def metainfo_of(reading: Reading) -> dict[str, Any]:
    """Metainfo of label maps: names and colors of the classes."""
    return dict(classes=tuple(entry.name for entry in reading.classes), palette=palette_of(reading.classes))


@dataclass
class ConvertedMapReading(Reading):
    """Annotations that become label maps of class indices; subclasses or ``draw`` say how.

    Attributes:
        draw: Returns the label map ``(H, W)`` of a sample, with the ignored label for pixels of no class; a
        draw: Returns the label map ``(H, W)`` of a sample, with the ignored label for pixels of no class; a
            module-level function or a ``partial`` of one, so that other processes can run it.
        settings: What the label maps depend on besides the files; others are written where it differs.
    """

    draw: Any = None
    settings: Any = None

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write a label map of each image, and a list of each split."""
        folder = out / f'labels_{fingerprint(self.settings)}'
        names = convert_all(self.draw, samples, folder, workers, '.png', write_map)
        num_classes = len(self.classes)
        index = {ignored_label(num_classes): None, **{place: place for place in range(num_classes)}}
        configs = {}
        for split, members in samples.items():
            path = out / f'{split}.json'
            write_document(path, list_of(self, index, members, [names[sample.image] for sample in members]))
            prefix = dict(img_path='', seg_map_path=str(folder))
            configs[split] = dict(
                type=LISTED, data_root=str(self.root), ann_file=str(path), data_prefix=prefix
            )
        return configs

    def metainfo(self) -> dict[str, Any]:
        """Names and colors of the classes."""
        return metainfo_of(self)


def write_map(path: Path, labels: np.ndarray) -> None:
    """Write a label map ``(H, W)`` as a PNG of 8 bits, or 16 where 8 do not hold it."""
    small = labels.max(initial=0) < 256
    write_atomically(path, encode_png(labels.astype(np.uint8 if small else np.uint16)))


def read_label_maps(tree: FileTree) -> Reading | None:
    """Label maps of numbers or colors, one for each image; None if the folder has none."""
    pairs = pair_files(tree)
    if pairs is None:
        return None
    several = next((maps for maps in pairs.maps.values() if len(maps) > 1), None)
    if several is not None:
        raise FolderError(
            f'{tree.root}: an image has the label maps {", ".join(several[:3])}, which are not masks of two '
            'values: keep the ones to train on, and move the others out of the folder.'
        )
    class_list = find_class_list(tree)
    return reading_of_maps(tree, pairs, 'label maps', class_list)


def reading_of_maps(
    tree: FileTree, pairs: Pairs, name: str, class_list: ClassList | None
) -> LabelMapReading | ConvertedMapReading:
    """Read the label maps of a folder.

    Args:
        tree: The folder.
        pairs: Images and label maps, one for each image.
        name: Name of the format.
        class_list: Classes, if the folder lists them.

    Raises:
        FolderError: No label map can be used, or their content is not labels.
    """
    left_out: LeftOut = {NO_IMAGE: pairs.spare_maps, NO_MAP: pairs.spare_images}
    maps = {found[0]: image for image, found in pairs.maps.items()}
    contents, sizes = _usable(tree, maps, left_out)
    if not contents:
        reasons = {reason: len(names) for reason, names in left_out.items() if names}
        raise FolderError(f'{tree.root}: none of its {len(maps)} label maps can be used: {reasons}.')
    is_color, table = _table(tree, contents, class_list)
    samples = [
        Sample(
            maps[path], pairs.splits[maps[path]], path, sizes[path], _num_classes(content, is_color, table)
        )
        for path, content in contents.items()
    ]
    settings: dict[str, Any] = dict(
        root=tree.root, task='semantic', classes=table.classes, samples=samples, left_out=left_out,
        notes=table.notes,
    )  # fmt: skip
    if not is_color:
        return LabelMapReading(format=name, index=table.index, **settings)
    draw = partial(draw_labels, tree.root, table.index, ignored_label(len(table.classes)))
    return ConvertedMapReading(
        format=f'{name} of colors', draw=draw, settings=numbers_of(table.index), **settings
    )


def draw_labels(root: Path, index: dict[int, int | None], ignored: int, sample: Sample) -> np.ndarray:
    """The label map of a sample: ``(H, W)`` class indices and the ignored label.

    Args:
        root: The folder.
        index: Of the class of each number, or each packed color for files of colors.
        ignored: The ignored label.
        sample: The sample; its annotation is the path of its file.

    Raises:
        FolderError: A number or color is not in ``index``.
    """
    pixels, palette = read_pixels(root / sample.annotation)
    if pixels.ndim == 2 and palette is not None and max(index) > LARGEST_LABEL:
        pixels = np.array(palette, np.int32)[pixels]
    packed = pack_colors(pixels) if pixels.ndim == 3 else pixels
    values, places = np.unique(packed, return_inverse=True)
    unknown = [value for value in values.tolist() if value not in index]
    if unknown:
        raise FolderError(
            f'{root / sample.annotation} has changed: it holds {unknown[0]}, which is no class.'
        )
    numbers = [ignored if (place := index[value]) is None else place for value in values.tolist()]
    return np.array(numbers, np.int32)[places].reshape(packed.shape)


def _usable(
    tree: FileTree, maps: dict[str, str], left_out: LeftOut
) -> tuple[dict[str, MapContent], dict[str, tuple[int, int]]]:
    """Contents of the label maps that have the size of their image, and these sizes."""
    contents, sizes = {}, {}
    for path, content in contents_of_maps(tree.root, list(maps)).items():
        if isinstance(content, FolderError):
            left_out.setdefault(UNREADABLE, []).append(path)
            continue
        try:
            header = read_header(str(tree.root / maps[path]))
        except (OSError, ValueError):
            left_out.setdefault(BROKEN_IMAGE, []).append(maps[path])
            continue
        if content.shape not in ((header.height, header.width), header.shown):
            left_out.setdefault(OTHER_SIZE, []).append(maps[path])
            continue
        contents[path], sizes[path] = content, content.shape
    return contents, sizes


def _table(
    tree: FileTree, contents: dict[str, MapContent], class_list: ClassList | None
) -> tuple[bool, ValueTable]:
    """Whether the label maps have to be converted from colors, and their classes."""
    where = str(tree.root)
    listed = list(contents.values())
    jpeg = next((path for path, content in contents.items() if content.is_jpeg), None)
    if jpeg is not None:
        raise FolderError(
            f'{tree.root / jpeg} is a JPEG, which alters labels: give label maps as PNG, as they were drawn.'
        )
    in_colors = {content.is_color for content in listed}
    if len(in_colors) > 1 and not all(content.is_color or content.palette for content in listed):
        kinds = {content.is_color: path for path, content in contents.items()}
        raise FolderError(
            f'{where}: {kinds[True]} has colors and {kinds[False]} numbers: give label maps of one kind.'
        )
    gray = in_colors == {True} and is_gray(listed) and not (class_list and class_list.by_color)
    if gray:
        table = table_of_numbers(
            _owners(contents, lambda c: [v & 255 for v in c.values]), class_list, {}, where
        )
        table.index = {value * 0x010101: place for value, place in table.index.items() if value < 256}
        return True, table
    by_palette = _names_colors_alone(class_list) and all(content.palette for content in listed)
    if True in in_colors or not palettes_agree(listed) or by_palette:
        colors = _owners(contents, lambda c: c.values if c.is_color else c.palette.values())
        return True, table_of_colors(colors, class_list, where)
    palette = {value: color for content in listed for value, color in content.palette.items()}
    owners = _owners(contents, lambda c: c.values)
    notes: list[str] = []
    if class_list is None:
        class_list, notes = names_beside(tree, owners)
    table = table_of_numbers(owners, class_list, palette, where)
    table.notes += notes
    return False, table


def _names_colors_alone(class_list: ClassList | None) -> bool:
    """Whether a list gives colors and no numbers, so that those of a palette say which class is which."""
    if class_list is None or any(entry.value is not None for entry in class_list.classes):
        return False
    return bool(class_list.by_color)


def _owners(contents: dict[str, MapContent], values_of: Any) -> dict[int, str]:
    """The numbers or colors that occur, each with the first file that has it."""
    owners: dict[int, str] = {}
    for path, content in contents.items():
        for value in values_of(content):
            owners.setdefault(value, path)
    return owners


def _num_classes(content: MapContent, is_color: bool, table: ValueTable) -> int:
    values = content.values if content.is_color or not is_color else content.palette.values()
    return len({table.index[value] for value in values if table.index.get(value) is not None})
