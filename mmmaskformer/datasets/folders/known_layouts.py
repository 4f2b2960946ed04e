"""Published data sets by their own folders and names: Cityscapes, ADE20K, the classes of Pascal VOC."""

from __future__ import annotations

from mmseg.datasets import ADE20KDataset, PascalVOCDataset

from ..categories import load_categories
from .class_lists import ClassList, ListedClass
from .contents import Reading
from .file_tree import FileTree
from .label_maps import reading_of_maps
from .pairing import Pairs, pair_files

CITYSCAPES_LABELS = 34
LABELS = '_gtFine_labelIds.png'
TRAIN_LABELS = '_gtFine_labelTrainIds.png'
IMAGE = '_leftImg8bit.png'


def read_cityscapes(tree: FileTree) -> Reading | None:
    """Cityscapes: ``leftImg8bit/SPLIT/CITY`` and the label maps in ``gtFine/SPLIT/CITY``, its 19 classes."""
    images = {
        path.rsplit('/', 1)[-1].removesuffix(IMAGE): path for path in tree.images if path.endswith(IMAGE)
    }
    suffix = LABELS if any(path.endswith(LABELS) for path in tree.images) else TRAIN_LABELS
    maps = {
        path.rsplit('/', 1)[-1].removesuffix(suffix): path for path in tree.images if path.endswith(suffix)
    }
    if not images or not maps:
        return None
    pairs = Pairs(
        maps={images[name]: [path] for name, path in maps.items() if name in images},
        spare_maps=[path for name, path in maps.items() if name not in images],
        spare_images=[path for name, path in images.items() if name not in maps],
    )
    pairs.splits = {image: image.split('/')[-3] for image in pairs.maps}
    reading = reading_of_maps(tree, pairs, 'cityscapes', _cityscapes_classes(suffix == TRAIN_LABELS))
    hidden = [
        sample.image for sample in reading.samples if sample.split == 'test' and not sample.num_segments
    ]
    reading.samples = [sample for sample in reading.samples if sample.image not in set(hidden)]
    reading.left_out['images of the test split, whose labels are not published'] = hidden
    reading.notes.append(
        'tools/dataset_converters/cityscapes_panoptic.py writes the panoptic annotations of this folder.'
    )
    return reading


def _cityscapes_classes(train_ids: bool) -> ClassList:
    """The 19 classes by the numbers of ``labelIds``, or counted from 0; other numbers are no class."""
    categories = load_categories('cityscapes_panoptic')
    listed = [
        ListedClass(category.name, place if train_ids else category.id, category.color)
        for place, category in enumerate(categories)
    ]
    used = {entry.value for entry in listed}
    rest = range(255, 256) if train_ids else range(CITYSCAPES_LABELS)
    unlabeled = [ListedClass('unlabeled', value) for value in rest if value not in used]
    return ClassList('the list of Cityscapes', [*listed, *unlabeled])


def read_ade20k(tree: FileTree) -> Reading | None:
    """ADE20K's 150 classes: ``images/SPLIT/ADE_*.jpg`` and ``annotations/SPLIT/ADE_*.png``."""
    names = [path.rsplit('/', 1)[-1] for path in tree.images]
    if not names or not all(name.startswith(('ADE_train', 'ADE_val', 'ADE_test')) for name in names):
        return None
    pairs = pair_files(tree)
    if pairs is None:
        return None
    classes = [
        ListedClass(name, value, tuple(color))
        for value, (name, color) in enumerate(zip(*_metainfo(ADE20KDataset)), start=1)
    ]
    unlabeled = ListedClass('unlabeled', 0)
    return reading_of_maps(tree, pairs, 'ade20k', ClassList('the list of ADE20K', [unlabeled, *classes]))


def voc_classes() -> ClassList:
    """Pascal VOC's 20 classes and the background."""
    pairs = zip(*_metainfo(PascalVOCDataset))
    return ClassList(
        'the list of Pascal VOC',
        [ListedClass(name, value, tuple(color)) for value, (name, color) in enumerate(pairs)],
    )


def _metainfo(dataset: type) -> tuple:
    return dataset.METAINFO['classes'], dataset.METAINFO['palette']  # type: ignore[attr-defined]
