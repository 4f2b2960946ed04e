"""Images and their label maps, told apart and paired by names of folders and ends of file names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .contents import FolderError
from .file_tree import FileTree
from .splits import ALL, split_of_path, split_of_word, splits_in_lists

MAP_WORDS = (
    'labels', 'label', 'lbl', 'masks', 'mask', 'annotations', 'annotation', 'annots', 'annot', 'anns', 'ann',
    'gtfine', 'gt', 'groundtruths', 'groundtruth', 'segmentationclass', 'segmentations', 'segmentation',
    'segs', 'seg', 'targets', 'target', 'labelmaps', 'labelmap', 'labelids', 'labeltrainids', 'semantic',
)  # fmt: skip
IMAGE_WORDS = (
    'jpegimages', 'leftimg8bit', 'images', 'image', 'imgs', 'img', 'photos', 'photo', 'rgb', 'sat', 'inputs',
    'input', 'pics', 'raw',
)  # fmt: skip
NEITHER = re.compile(
    'visuali[sz]ation|overlay|(^|_)vis(_|$)|preview|thumb|panoptic|segmentationobject', re.IGNORECASE
)
"""Folders of images with annotations painted over them and of maps of ids: neither images nor label maps."""
LOSSLESS = ('.png', '.tif', '.tiff', '.bmp', '.pgm', '.ppm')


def _patterns(words: Iterable[str]) -> tuple[re.Pattern, re.Pattern]:
    choice = '|'.join(words)
    splits = 'train|training|val|valid|validation|test|testing'
    end = re.compile(rf'(?:(?P<rest>.+)[ _.-]+|(?P<split>{splits})|)(?:{choice})', re.IGNORECASE)
    start = re.compile(rf'(?:{choice})[ _.-]+(?P<rest>.+)', re.IGNORECASE)
    return end, start


MAP_PATTERNS, IMAGE_PATTERNS = _patterns(MAP_WORDS), _patterns(IMAGE_WORDS)
MAP_END = re.compile(
    r'(?P<rest>.+?)[ _.-]+(?:gtFine[_-])?(?:masks?|labels?|lbl|gt|seg(?:mentation)?|annotation|L|labelIds|'
    r'labelTrainIds|groundtruth|pixels\d*)',
    re.IGNORECASE,
)
IMAGE_END = re.compile(r'(?P<rest>.+?)[ _.-]+(?:images?|img|sat|rgb|leftImg8bit)', re.IGNORECASE)


@dataclass
class Pairs:
    """Files of a folder by their role.

    Attributes:
        maps: By image: its label maps; several where there is one for each class or object.
        names: Of each label map: the part of its path that its image's lacks.
        splits: Split of each image.
        spare_maps: Label maps without an image.
        spare_images: Images without a label map.
    """

    maps: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    spare_maps: list[str] = field(default_factory=list)
    spare_images: list[str] = field(default_factory=list)


def pair_files(tree: FileTree) -> Pairs | None:
    """Pair the images of a folder with its label maps; None if nothing in it looks like a label map.

    Raises:
        FolderError: An image has label maps in several folders.
    """
    images, maps = _roles(tree.images)
    if not maps or not images:
        return None
    found = Pairs()
    keys = _unique_keys(tree, images)
    matched = _matched(keys, maps)
    for path in maps:
        image = matched.get(path)
        if image is None:
            found.spare_maps.append(path)
        else:
            found.maps.setdefault(image, []).append(path)
            found.names[path] = _own_part(maps[path], images[image])
    found.spare_images = sorted(set(images) - set(found.maps))
    found.splits = splits_of_images(tree, {image: [image, *maps] for image, maps in found.maps.items()})
    return found if found.maps else None


def _own_part(key: str, image: str) -> str:
    """``car_2`` of ``0001/car_2``, ``car/0001`` or ``0001_car_2``, whose image is ``0001``."""
    if key.startswith(image):
        return key[len(image) :].strip(' _.-/')
    parts = [part for part in key.split('/') if part not in image.split('/')]
    return '/'.join(parts)


def splits_of_images(tree: FileTree, files: dict[str, list[str]]) -> dict[str, str]:
    """The split of each image: by the folders of its files, else by lists such as ``train.txt``.

    Args:
        tree: The folder.
        files: By image: the image and its annotations.
    """
    lists = {}
    for path in tree.with_suffix('.txt'):
        stem = PurePosixPath(path).stem
        if re.search('ImageSets/(Main|Layout|Action)/', path):
            continue  # lists of Pascal VOC for other tasks
        lines = tree.text(path).split('\n') if split_of_word(stem) else []
        lists[stem] = [PurePosixPath(line.split()[0]).stem for line in lines if line.strip()]
    listed = splits_in_lists(lists)
    found = {}
    for image, paths in files.items():
        by_folder = next((split for path in paths if (split := split_of_path(path))), None)
        found[image] = by_folder or listed.get(PurePosixPath(image).stem, ALL)
    return found


def _roles(paths: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Key of each image, and of each label map; a pair has one key."""
    folders = {path: path.rpartition('/')[0] for path in paths}
    roles = {path: _role_and_key(path) for path in paths if not NEITHER.search(folders[path])}
    maps = {path: key for path, (role, key) in roles.items() if role == 'map'}
    images = {path: key for path, (role, key) in roles.items() if role != 'map'}
    if not maps:
        maps = _beside(images)
        images = {path: key for path, key in images.items() if path not in maps}
    return images, maps


def _beside(images: dict[str, str]) -> dict[str, str]:
    """Lossless files beside a JPEG of the same name: ``a.png`` beside ``a.jpg``."""
    photos = {key for path, key in images.items() if path.lower().endswith(('.jpg', '.jpeg'))}
    return {path: key for path, key in images.items() if path.lower().endswith(LOSSLESS) and key in photos}


def _role_and_key(path: str) -> tuple[str | None, str]:
    """``'map'``, ``'image'`` or None, and the path without what says so."""
    *folders, name = path.split('/')
    stem = PurePosixPath(name).stem
    role = None
    kept = []
    for folder in folders:
        kind, rest = _role_of_folder(folder)
        role = kind or role
        kept += [_split_or_name(rest)] if rest else []
    for kind, pattern in (('map', MAP_END), ('image', IMAGE_END)):
        if (match := pattern.fullmatch(stem)) and (role in (None, kind)):
            role, stem = kind, match['rest']
            break
    return role, '/'.join([*kept, stem])


def _split_or_name(folder: str) -> str:
    """``val`` for ``validation``, so that folders of images and of label maps may spell it differently."""
    return split_of_word(folder) or folder


def _role_of_folder(folder: str) -> tuple[str | None, str]:
    for kind, patterns in (('map', MAP_PATTERNS), ('image', IMAGE_PATTERNS)):
        for pattern in patterns:
            if match := pattern.fullmatch(folder):
                return kind, next(filter(None, match.groups()), '')
    return None, folder


def _unique_keys(tree: FileTree, images: dict[str, str]) -> dict[str, str]:
    """Images by their key."""
    keys: dict[str, str] = {}
    for path, key in images.items():
        if key in keys:
            raise FolderError(
                f'{tree.root}: {keys[key]} and {path} are two images of the same name, so that it is open '
                'which of them a label map belongs to: rename one of them, or move one out of the folder.'
            )
        keys[key] = path
    return keys


def _matched(keys: dict[str, str], maps: dict[str, str]) -> dict[str, str]:
    """The image of each label map, by the first rule that finds one for most of them."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    by_folder: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_stem[key.rsplit('/', 1)[-1]].append(key)
        by_folder[key.rpartition('/')[0]].append(key)
    unique_stems = {stem: found[0] for stem, found in by_stem.items() if len(found) == 1}
    lone = {folder: found[0] for folder, found in by_folder.items() if folder and len(found) == 1}
    rules = (
        lambda key: key if key in keys else None,
        lambda key: _drop_folder(key, keys),
        lambda key: unique_stems.get(key.rsplit('/', 1)[-1]),
        lambda key: key.rpartition('/')[0] if key.rpartition('/')[0] in keys else None,
        lambda key: lone.get(key.rpartition('/')[0]),
        lambda key: _longest_start(key, keys),
    )
    best: dict[str, str] = {}
    for rule in rules:
        matched = {path: keys[found] for path, key in maps.items() if (found := rule(key)) is not None}
        if len(matched) > len(best):
            best = matched
        if len(best) > 0.5 * len(maps):
            break
    return best


def _drop_folder(key: str, keys: dict[str, str]) -> str | None:
    """The image of ``train/car/0001`` where the folder ``car`` is of label maps alone: ``train/0001``."""
    parts = key.split('/')
    shorter = ('/'.join([*parts[:place], *parts[place + 1 :]]) for place in range(len(parts) - 1))
    return next((found for found in shorter if found in keys), None)


def _longest_start(key: str, keys: dict[str, str]) -> str | None:
    """The image of ``0001_car_2``: ``0001``."""
    for match in reversed(list(re.finditer('[ _.-]', key))):
        if key[: match.start()] in keys:
            return key[: match.start()]
    return None
