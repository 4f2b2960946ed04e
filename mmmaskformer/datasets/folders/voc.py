"""Pascal VOC: ``JPEGImages``, ``SegmentationClass``, ``SegmentationObject`` and ``ImageSets``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...functional.targets import ignored_label
from ..categories import default_color
from ..converters.conversion import encode_png, write_atomically
from ..id_maps import describe_segment
from .class_lists import find_class_list
from .contents import ClassOfFolder, FolderError, Reading, Sample
from .file_tree import FileTree
from .known_layouts import voc_classes
from .label_maps import ConvertedMapReading, LabelMapReading, draw_labels, reading_of_maps
from .map_values import pack_colors, read_pixels
from .pairing import Pairs, splits_of_images
from .writing import convert_all, fingerprint, write_document

CLASSES, OBJECTS, IMAGES = 'SegmentationClass', 'SegmentationObject', 'JPEGImages'
BACKGROUND = 'background', '_background_', '__background__'


def read_voc(tree: FileTree) -> LabelMapReading | ConvertedMapReading | None:
    """Semantic segmentation in the folders of Pascal VOC; None if there are none."""
    maps = [path for path in tree.images if f'/{CLASSES}/' in f'/{path}']
    if not maps or not any(f'/{IMAGES}/' in f'/{path}' for path in tree.images):
        return None
    found = {path: _image_of(tree, path) for path in maps}
    pairs = Pairs(
        maps={image: [path] for path, image in found.items() if image is not None},
        spare_maps=[path for path, image in found.items() if image is None],
    )
    used = set(pairs.maps)
    pairs.spare_images = [path for path in tree.images if f'/{IMAGES}/' in f'/{path}' and path not in used]
    pairs.splits = splits_of_images(tree, {image: [image, *files] for image, files in pairs.maps.items()})
    class_list = find_class_list(tree)
    return reading_of_maps(tree, pairs, 'pascal voc', class_list or voc_classes())


def _image_of(tree: FileTree, path: str) -> str | None:
    place = PurePosixPath(path.replace(f'{CLASSES}/', f'{IMAGES}/')).with_suffix('')
    names = (
        f'{place}{suffix}' for suffix in ('.jpg', '.jpeg', '.png', '.JPG', '.JPEG', '.PNG', '.bmp', '.tif')
    )
    return next((known for name in names if (known := tree.known(name))), None)


def read_voc_objects(tree: FileTree) -> Reading | None:
    """Objects in ``SegmentationObject`` with their classes, and the background as stuff."""
    objects = {path for path in tree.images if f'/{OBJECTS}/' in f'/{path}'}
    reading = read_voc(tree) if objects else None
    if reading is None:
        return None
    pairs = {sample: sample.annotation.replace(f'{CLASSES}/', f'{OBJECTS}/') for sample in reading.samples}
    samples = [sample for sample, path in pairs.items() if path in objects]
    if not samples:
        return None
    left_out = {**reading.left_out, 'images without map of objects': []}
    left_out['images without map of objects'] = [s.image for s, path in pairs.items() if path not in objects]
    classes = [
        ClassOfFolder(entry.name, entry.name not in BACKGROUND, entry.color) for entry in reading.classes
    ]
    index = reading.index if isinstance(reading, LabelMapReading) else reading.draw.args[1]
    draw = partial(draw_segments, tree.root, index, tuple(entry.is_thing for entry in classes))
    return SegmentReading(
        tree.root, 'pascal voc', 'panoptic', classes, samples, left_out, reading.notes, draw=draw
    )


@dataclass
class SegmentReading(Reading):
    """Annotations that become COCO's panoptic files.

    Attributes:
        draw: Returns the id map ``(H, W)`` int32 and the ``segments_info`` of a sample.
    """

    draw: Any = None

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write an id PNG of each image, with its segments beside it, and a JSON file of each split."""
        names = [entry.name for entry in self.classes]
        folder = out / f'panoptic_{fingerprint([names, sorted(self.draw.args[1].items())])}'
        files = convert_all(self.draw, samples, folder, workers, '.png', write_segments)
        categories = [
            dict(id=place, name=e.name, isthing=int(e.is_thing), color=list(e.color or default_color(place)))
            for place, e in enumerate(self.classes)
        ]
        write_document(out / 'categories.json', categories)
        configs = {}
        for split, members in samples.items():
            document = dict(categories=categories, **_entries(members, files, folder))
            write_document(out / f'{split}.json', document)
            configs[split] = dict(
                type='mmmaskformer.CocoPanopticDataset',
                data_root=str(self.root),
                ann_file=str(out / f'{split}.json'),
                data_prefix=dict(img_path='', seg_map_path=str(folder)),
                categories=str(out / 'categories.json'),
            )
        return configs


def _entries(samples: Sequence[Sample], files: Mapping[str, str], folder: Path) -> dict[str, list[dict]]:
    images, annotations = [], []
    for number, sample in enumerate(samples, start=1):
        height, width = sample.size
        images.append(dict(id=number, file_name=sample.image, height=height, width=width))
        name = files[sample.image]
        annotations.append(dict(image_id=number, file_name=name, segments_info=read_segments(folder / name)))
    return dict(images=images, annotations=annotations)


def write_segments(path: Path, content: tuple[np.ndarray, list[dict]]) -> None:
    """Write an id PNG, and before it its segments as JSON."""
    ids, segments = content
    write_document(path.with_suffix('.json'), segments)
    colors = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
    write_atomically(path, encode_png(colors))


def read_segments(path: Path) -> list[dict]:
    """The segments of an id PNG that `write_segments` wrote."""
    return json.loads(path.with_suffix('.json').read_bytes())


def draw_segments(
    root: Path, index: dict[int, int | None], is_thing: Sequence[bool], sample: Sample
) -> tuple[np.ndarray, list[dict]]:
    """The id map of a sample and its segments: one for each object, and for each class of stuff.

    Raises:
        FolderError: The two maps differ in size.
    """
    ignored = ignored_label(len(is_thing))
    labels = draw_labels(root, index, ignored, sample)
    path = root / sample.annotation.replace(f'{CLASSES}/', f'{OBJECTS}/')
    pixels, _ = read_pixels(path)
    objects = pack_colors(pixels) if pixels.ndim == 3 else pixels.astype(np.int32)
    if objects.shape != labels.shape:
        raise FolderError(f'{path} has another size than the map of classes: correct one of them.')
    things = np.append(np.array(is_thing), np.zeros(ignored + 1 - len(is_thing), bool))
    objects = np.where(things[labels], objects, 0)
    keys = np.where(labels == ignored, -1, objects.astype(np.int64) * (ignored + 1) + labels)
    ids = np.zeros(labels.shape, np.int32)
    segments = []
    for number, key in enumerate((key for key in np.unique(keys).tolist() if key >= 0), start=1):
        mask = keys == key
        ids[mask] = number
        segments.append(describe_segment(mask, number, key % (ignored + 1)))
    return ids, segments
