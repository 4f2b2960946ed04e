"""COCO's JSON files, panoptic or with objects, as COCO, CVAT, Label Studio and Roboflow write them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..categories import Category, parse_categories
from ..coco_instance import index_objects
from ..coco_json import ImageIndex
from ..json_fields import crowd_flag, whole_number
from ..segmentation_checks import undrawable
from .coco_writing import CocoReading, CocoSource
from .contents import ClassOfFolder, FolderError, LeftOut, Reading, Sample
from .file_tree import FileTree
from .located_files import fits, headers_of, locate
from .splits import ALL, split_of_path, split_of_word

FIRST_KEYS = re.compile(rb'\s*\{\s*"(info|licenses?|images|annotations|categories|type)"')
MISSING = 'images that the annotation file names and the folder lacks'
BROKEN = 'images that cannot be read'
OTHER_SIZE = 'images whose size differs from that in the annotation file'
UNDRAWABLE = 'objects whose outline cannot be drawn'
NO_MAP = 'images without id map'
PREFERRED = ('instances', 'panoptic')


def read_coco(tree: FileTree) -> Reading | None:
    """COCO's JSON files of a folder; panoptic ones before others. None if the folder has none.

    Raises:
        FolderError: The files contradict themselves or each other, or have boxes alone.
    """
    documents = {path: tree.json(path) for path in tree.with_suffix('.json') if looks_like_coco(tree, path)}
    kinds = {path: _kind(document) for path, document in documents.items()}
    panoptic = 'panoptic' in kinds.values()
    paths = [path for path, kind in kinds.items() if kind == ('panoptic' if panoptic else 'instance')]
    if not paths:
        boxes = [path for path, kind in kinds.items() if kind == 'boxes']
        if boxes:
            raise FolderError(
                f'{tree.root / boxes[0]} has boxes and no outlines, which do not say which pixels belong to '
                'an object: export polygons or masks.'
            )
        return None
    try:
        return _read(tree, {path: documents[path] for path in _preferred(paths)}, panoptic)
    except ValueError as error:
        raise FolderError(str(error)) from error


def looks_like_coco(tree: FileTree, path: str) -> bool:
    """Whether a JSON file begins as COCO's do."""
    with (tree.root / path).open('rb') as file:
        return FIRST_KEYS.match(file.read(200).removeprefix(b'\xef\xbb\xbf')) is not None


def _kind(document: Any) -> str | None:
    """``'panoptic'``, ``'instance'``, ``'boxes'``, or None if it is not annotations of COCO."""
    if not isinstance(document, dict) or not all(document.get(key) for key in ('images', 'categories')):
        return None
    entries = [entry for entry in document.get('annotations') or () if isinstance(entry, dict)]
    if any('segments_info' in entry for entry in entries[:10]):
        return 'panoptic'
    if any(entry.get('segmentation') for entry in entries):
        return 'instance'
    return 'boxes' if any('bbox' in entry for entry in entries) else None


def _preferred(paths: Sequence[str]) -> list[str]:
    """Of several files of one split those called ``instances``, where COCO has key points beside them."""
    by_split = defaultdict(list)
    for path in paths:
        by_split[_split_of(path)].append(path)
    chosen = []
    for members in by_split.values():
        named = [path for path in members if PurePosixPath(path).name.startswith(PREFERRED)]
        chosen += named or members
    return sorted(chosen)


def _split_of(path: str) -> str:
    return split_of_word(PurePosixPath(path).stem) or split_of_path(path) or ALL


@dataclass
class _Classes:
    """The categories of all files by name; ids differ where files contradict each other."""

    categories: dict[str, Category] = field(default_factory=dict)
    ids: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, path: str, categories: Sequence[Category]) -> None:
        """Add those of a file."""
        used = {category.id for category in self.categories.values()}
        self.ids[path] = {}
        for category in categories:
            known = self.categories.get(category.name)
            if known is None:
                number = category.id if category.id not in used else max(used) + 1
                known = self.categories[category.name] = category._replace(id=number)
                used.add(number)
            elif known.isthing != category.isthing:
                raise FolderError(
                    f'{path}: the category {category.name!r} has isthing={int(category.isthing)}, and '
                    f'{int(known.isthing)} in another file of the folder: correct one of them.'
                )
            self.ids[path][category.id] = known.id


def _read(tree: FileTree, documents: Mapping[str, dict], panoptic: bool) -> CocoReading:
    reading = CocoReading(
        root=tree.root,
        format='coco panoptic' if panoptic else 'coco instance',
        task='panoptic' if panoptic else 'instance',
        classes=[],
        samples=[],
    )
    classes = _Classes()
    for path, document in documents.items():
        categories = parse_categories(document['categories'], str(tree.root / path), not panoptic)
        classes.add(path, _without_dummy(path, document, categories, reading))
    reading.categories = list(classes.categories.values())
    reading.classes = [ClassOfFolder(c.name, c.isthing, c.color) for c in reading.categories]
    for path, document in documents.items():
        source = CocoSource(path, document, classes.ids[path])
        (_add_maps if panoptic else _add_objects)(tree, source, reading)
        reading.sources[path] = source
    _check_repeated(reading)
    return reading


def _without_dummy(
    path: str, document: dict, categories: Sequence[Category], reading: CocoReading
) -> list[Category]:
    """The categories without the one that Roboflow adds in front, as the name of the data set."""
    entries = document['categories']
    first = categories[0].name
    used = {whole_number(entry.get('category_id')) for entry in document['annotations']}
    dummy = (
        len(categories) > 1
        and entries[0].get('supercategory') == 'none'
        and categories[0].id not in used
        and all(entry.get('supercategory') == first for entry in entries[1:])
    )
    if dummy:
        reading.notes.append(f'{path}: the category {first!r} heads the others and has no objects: skipped.')
    return list(categories[dummy:])


def _add_objects(tree: FileTree, source: CocoSource, reading: CocoReading) -> None:
    """The images of an instance file with their objects."""
    path, document = source.path, source.document
    index = index_objects(document, str(tree.root / path), dict.fromkeys(source.ids, (0, True)))
    _extend(reading.left_out, index.left_out)
    images = _images(tree, source, index.images, reading.left_out)
    objects = [
        (img_id, entry) for img_id, found in index.objects.items() for entry in found if img_id in images
    ]
    outlines = [entry['segmentation'] for _, entry in objects], [images[i][1] for i, _ in objects]
    faults = undrawable(*outlines)
    if faults:
        place = next(iter(faults))
        reading.notes.append(
            f'{path}: an object of {images[objects[place][0]][0]} is left out: {faults[place]}.'
        )
    counts: Counter = Counter()
    for place, (img_id, entry) in enumerate(objects):
        if place in faults:
            reading.left_out.setdefault(UNDRAWABLE, []).append(images[img_id][0])
            source.faulty.append(entry['segmentation'])
        counts[img_id] += place not in faults
    _note_crowds(source, [entry for _, entry in objects], reading)
    for img_id, (image, size) in images.items():
        reading.samples.append(
            Sample(image, _sample_split(path, image), (path, img_id), size, counts[img_id])
        )


def _note_crowds(source: CocoSource, objects: Sequence[dict], reading: CocoReading) -> None:
    """Masks that CVAT and Datumaro export as crowds are objects."""
    num_crowds = sum(entry['iscrowd'] for entry in objects)
    if 2 * num_crowds > len(objects):
        source.keep_crowds = False
        reading.notes.append(
            f'{source.path}: {num_crowds} of {len(objects)} objects have iscrowd=1, as CVAT exports masks; '
            'they are taken as single objects.'
        )


def _add_maps(tree: FileTree, source: CocoSource, reading: CocoReading) -> None:
    """The images of a panoptic file with their id maps."""
    path, document = source.path, source.document
    index = ImageIndex(document, str(tree.root / path), reading.left_out)
    images = _images(tree, source, index, reading.left_out)
    annotations = {index.find(entry['image_id']): entry for entry in document['annotations']}
    names = [entry['file_name'].replace('\\', '/') for entry in annotations.values()]
    maps = source.maps = locate(tree, names, path, maps=True)
    headers = headers_of(tree, list(maps.values()))
    for img_id, (image, size) in images.items():
        entry = annotations.get(img_id, {})
        map_path = maps.get(entry.get('file_name', '').replace('\\', '/'))
        header = None if map_path is None else headers[map_path]
        if header is None:
            reading.left_out.setdefault(NO_MAP, []).append(image)
        elif not fits((header.height, header.width), source.headers[image]):
            reading.left_out.setdefault(OTHER_SIZE, []).append(image)
        else:
            segments = entry.get('segments_info', ())
            number = sum(not crowd_flag(segment, f'{path}: segments_info') for segment in segments)
            reading.samples.append(Sample(image, _sample_split(path, image), (path, img_id), size, number))


def _images(
    tree: FileTree, source: CocoSource, index: ImageIndex, left_out: LeftOut
) -> dict[Any, tuple[str, tuple[int, int]]]:
    """Path and size of the images that exist, by id."""
    found = source.images = locate(tree, [image.name for image in index.values()], source.path)
    if not found:
        name = next(iter(index.values())).name
        raise FolderError(
            f'{tree.root / source.path} names {len(index)} images, such as {name}, and none of them is in '
            f'{tree.root}: put the images there.'
        )
    headers = headers_of(tree, list(found.values()))
    images = {}
    for img_id, image in index.items():
        path = found.get(image.name)
        header = None if path is None else headers[path]
        if path is None or header is None:
            left_out.setdefault(MISSING if path is None else BROKEN, []).append(image.name)
        elif not fits(image.shape, header):
            left_out.setdefault(OTHER_SIZE, []).append(image.name)
        else:
            source.headers[path] = header
            images[img_id] = path, image.shape or header.shown
    return images


def _sample_split(path: str, image: str) -> str:
    split = _split_of(path)
    return split_of_path(image) or ALL if split == ALL else split


def _extend(left_out: LeftOut, more: LeftOut) -> None:
    for reason, names in more.items():
        left_out.setdefault(reason, []).extend(names)


def _check_repeated(reading: CocoReading) -> None:
    """An image in two files would be learned and evaluated at once."""
    seen: dict[str, str] = {}
    for sample in reading.samples:
        path = sample.annotation[0]
        if seen.setdefault(sample.image, path) != path:
            raise FolderError(
                f'{reading.root}: the image {sample.image} is in {seen[sample.image]} and in {path}: remove '
                'one of the files, or the image from one of them.'
            )
