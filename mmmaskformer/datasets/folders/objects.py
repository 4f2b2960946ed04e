"""Objects as outlines, which annotation tools write in a file for each image: collected into COCO's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...functional.targets import ignored_label
from ..categories import default_color
from ..segmentation_checks import undrawable, without_pixels
from ..segmentations import draw_segmentation, run_lengths_of
from .contents import ClassOfFolder, FolderError, Reading, Sample
from .file_tree import FileTree
from .label_maps import ConvertedMapReading
from .located_files import fits, headers_of
from .pairing import splits_of_images
from .splits import ALL
from .writing import write_document

NO_AREA = 'shapes without area (boxes, lines, points)'
NO_PIXEL = 'objects whose outline covers no pixel'
UNDRAWABLE = 'objects whose outline cannot be drawn'
NO_IMAGE = 'annotation files whose image is missing'
BROKEN = 'images that cannot be read'
OTHER_SIZE = 'images whose size differs from that in the annotation'
UNNAMED = 'images without annotation'
BACKGROUND = 'background'


class Outline(NamedTuple):
    """An object of an image.

    Attributes:
        name: Name of its class.
        segmentation: Polygons or run lengths, as COCO has them.
    """

    name: str
    segmentation: list | dict


class Annotated(NamedTuple):
    """What an annotation file has for an image.

    Attributes:
        path: The annotation file.
        image: The image below the folder; None if it is missing.
        size: Height and width; None if the file does not say.
        outlines: Called with the size that counts, returns the objects.
        split: The split, where the annotations name it.
    """

    path: str
    image: str | None
    size: tuple[int, int] | None
    outlines: Any
    split: str | None = None


@dataclass
class ObjectReading(Reading):
    """Objects by image; training reads them from a JSON file of COCO's form for each split."""

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write a JSON file of each split."""
        configs = {}
        for split, members in samples.items():
            path = out / f'{split}.json'
            write_document(path, self._document(members))
            configs[split] = dict(
                type='mmmaskformer.CocoInstanceDataset',
                data_root=str(self.root),
                ann_file=str(path),
                data_prefix=dict(img_path=''),
            )
        return configs

    def _document(self, samples: Sequence[Sample]) -> dict[str, Any]:
        numbers = {entry.name: place for place, entry in enumerate(self.classes)}
        categories = [
            dict(id=place, name=entry.name, isthing=1, color=list(entry.color or default_color(place)))
            for place, entry in enumerate(self.classes)
        ]
        images: list[dict] = []
        annotations: list[dict] = []
        for number, sample in enumerate(samples, start=1):
            height, width = sample.size
            images.append(dict(id=number, file_name=sample.image, height=height, width=width))
            for name, segmentation in sample.annotation:
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=number,
                        category_id=numbers[name],
                        segmentation=segmentation,
                        iscrowd=0,
                    )
                )
        return dict(images=images, annotations=annotations, categories=categories)


def collect(
    tree: FileTree,
    format: str,
    annotated: Iterable[Annotated],
    classes: Sequence[ClassOfFolder] | None,
    left_out: dict[str, list[str]],
    notes: Sequence[str] = (),
) -> ObjectReading:
    """Check the objects of all images.

    Args:
        tree: The folder.
        format: Name of the format.
        annotated: The annotations of each image.
        classes: In order; None takes the names that occur, in the order of the alphabet.
        left_out: What was left out before, by reason; more is added.
        notes: Sentences for the user.

    Raises:
        FolderError: An image has two annotations; an object has a class that is not listed.
    """
    reading = ObjectReading(tree.root, format, 'instance', [], [], left_out, list(notes))
    entries = list(annotated)
    headers = headers_of(tree, [entry.image for entry in entries if entry.image is not None])
    owners: dict[str, str] = {}
    for entry in entries:
        header = None if entry.image is None else headers[entry.image]
        if entry.image is None or header is None:
            left_out.setdefault(NO_IMAGE if entry.image is None else BROKEN, []).append(entry.path)
            continue
        if not fits(entry.size, header):
            left_out.setdefault(OTHER_SIZE, []).append(entry.image)
            continue
        if entry.image in owners:
            raise FolderError(
                f'{tree.root}: {entry.image} has annotations in {owners[entry.image]} and in {entry.path}: '
                'remove one of them.'
            )
        owners[entry.image] = entry.path
        size = entry.size or header.shown
        outlines = _drawable(entry.outlines(size), size, entry.image, left_out)
        split = entry.split or ALL
        reading.samples.append(Sample(entry.image, split, outlines, size, len(outlines)))
    named = {entry.image for entry in entries}
    spare = [image for image in tree.images if image not in named]
    left_out.update({UNNAMED: spare} if spare else {})
    reading.classes = _classes(tree, reading, classes)
    _add_splits(tree, reading, owners)
    return reading


def _drawable(
    outlines: Sequence[Outline], size: tuple[int, int], image: str, left_out: dict[str, list[str]]
) -> list[Outline]:
    segmentations, sizes = [outline.segmentation for outline in outlines], [size] * len(outlines)
    faults, empty = undrawable(segmentations, sizes), without_pixels(segmentations, sizes)
    kept = []
    for place, outline in enumerate(outlines):
        if place in faults or empty[place]:
            left_out.setdefault(UNDRAWABLE if place in faults else NO_PIXEL, []).append(image)
        else:
            kept.append(outline)
    return kept


def _classes(
    tree: FileTree, reading: ObjectReading, listed: Sequence[ClassOfFolder] | None
) -> list[ClassOfFolder]:
    owners = {outline.name: sample.image for sample in reading.samples for outline in sample.annotation}
    if not owners:
        raise FolderError(f'{tree.root}: no {reading.format} annotation has an object with an area.')
    if listed is None:
        return [ClassOfFolder(name, is_thing=True) for name in sorted(owners)]
    names = {entry.name for entry in listed}
    unknown = sorted(set(owners) - names)
    if unknown:
        raise FolderError(
            f'{tree.root}: {owners[unknown[0]]} has an object of the class {unknown[0]!r}, which is not one '
            f'of the {len(names)} listed classes: add it to the list, or correct the annotation.'
        )
    return [ClassOfFolder(entry.name, is_thing=True, color=entry.color) for entry in listed]


def _add_splits(tree: FileTree, reading: ObjectReading, owners: dict[str, str]) -> None:
    found = splits_of_images(tree, {image: [image, path] for image, path in owners.items()})
    reading.samples = [
        sample if sample.split != ALL else Sample(**{**vars(sample), 'split': found[sample.image]})
        for sample in reading.samples
    ]


def placed_mask(mask: np.ndarray, left: int, top: int, size: tuple[int, int]) -> dict:
    """A small mask at its place in an image, as run lengths; what lies outside the image is cut off."""
    whole = np.zeros(size, bool)
    rows, columns = (
        slice(max(-start, 0), max(end - start, 0)) for start, end in ((top, size[0]), (left, size[1]))
    )
    part = mask[rows, columns]
    top, left = max(top, 0), max(left, 0)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return run_lengths_of(whole)


def with_holes(outer: list[float], holes: Sequence[list[float]], size: tuple[int, int]) -> list | dict:
    """A polygon without what its holes cover: run lengths, or the polygon if there are none."""
    if not holes:
        return [outer]
    return run_lengths_of(draw_segmentation([outer], size) & ~draw_segmentation(list(holes), size))


def as_label_maps(reading: ObjectReading) -> ConvertedMapReading:
    """Objects drawn into label maps, later ones over earlier ones, the rest as a class of its own."""
    has_background = BACKGROUND in {entry.name for entry in reading.classes}
    classes = [*([] if has_background else [ClassOfFolder(BACKGROUND, color=(0, 0, 0))]), *reading.classes]
    classes = [ClassOfFolder(entry.name, color=entry.color) for entry in classes]
    numbers = {entry.name: place for place, entry in enumerate(classes)}
    notes = [*reading.notes, f'Pixels without an object are of the class {BACKGROUND!r}.']
    return ConvertedMapReading(
        root=reading.root,
        format=reading.format,
        task='semantic',
        classes=classes,
        samples=reading.samples,
        left_out=reading.left_out,
        notes=notes,
        draw=partial(draw_objects, numbers, numbers[BACKGROUND]),
        settings=[reading.format, numbers, ignored_label(len(classes))],
    )


def draw_objects(numbers: Mapping[str, int], background: int, sample: Sample) -> np.ndarray:
    """The label map ``(H, W)`` of a sample with outlines."""
    labels = np.full(sample.size, background, np.int32)
    for name, segmentation in sample.annotation:
        labels[draw_segmentation(segmentation, sample.size)] = numbers[name]
    return labels
