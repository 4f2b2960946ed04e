"""What a data set holds: images, classes, segments, and what is left out."""

from __future__ import annotations

import math
import os.path as osp
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .class_contents import UNKNOWN, Content, contents_of, num_threads
from .dataset_files import LeftOut, Paths, left_out
from .dataset_wrappers import leaves
from .image_headers import ImageHead, read_head

CHUNK = 64
"""Images between two checks of the time limit."""

Counts = NDArray[np.int64]


class Files(NamedTuple):
    """Files of a sample.

    Attributes:
        image: Path of the image, ``''`` where it is not known.
        annotation: Path of the label map or panoptic PNG.
        is_panoptic: Whether it is a panoptic PNG.
    """

    image: str
    annotation: str | None
    is_panoptic: bool


@dataclass
class Survey:
    """What was found in a data set, without transforms; images that wrappers repeat count once.

    Attributes:
        classes: Names of the classes.
        num_images: Images of the data set.
        num_samples: Samples in one pass, with the repetitions of wrappers.
        num_examined: Images whose annotation was looked at.
        suffixes: Number of images by suffix, of all images unless time ran out.
        left_out: What is left out, by reason; see `dataset_files.left_out`.
        repeated_names: File names that images of several folders share, or that are listed twice.
        heads: Sizes and kinds of the images looked at.
        turned: Paths of images that are turned by their EXIF orientation.
        unreadable: Reason by path, of images and label maps.
        pixels: ``(K,)`` labelled pixels of each class, of segments whose area is known.
        segments: ``(K,)`` segments of each class.
        images: ``(K,)`` images with each class.
        num_segments: Segments in each image, by its path.
        void_pixels: Pixels of no class.
        known_pixels: Pixels of the images in which the pixels of no class are known.
        outside: Images by label that is not a class.
        translated: Whether labels of files become others, by ``reduce_zero_label`` or a choice of classes.
    """

    classes: tuple[str, ...]
    num_images: int = 0
    num_samples: int = 0
    num_examined: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    left_out: LeftOut = field(default_factory=dict)
    repeated_names: list[str] = field(default_factory=list)
    heads: list[ImageHead] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    pixels: Counts = field(init=False)
    segments: Counts = field(init=False)
    images: Counts = field(init=False)
    num_segments: dict[str, int] = field(default_factory=dict)
    void_pixels: int = 0
    known_pixels: int = 0
    outside: Counter[int] = field(default_factory=Counter)
    translated: bool = False

    def __post_init__(self) -> None:
        zeros = np.zeros((3, len(self.classes)), dtype=np.int64)
        self.pixels, self.segments, self.images = zeros

    @property
    def complete(self) -> bool:
        """Whether all annotations were looked at."""
        return self.num_examined == self.num_images

    @property
    def absent(self) -> list[str]:
        """Classes that were not seen."""
        return [name for name, count in zip(self.classes, self.segments) if not count]

    def add(self, path: str, content: Content, head: ImageHead | None, is_panoptic: bool) -> None:
        """Count the annotation of an image."""
        known = content.pixels != UNKNOWN
        inside = content.classes < len(self.classes)
        np.add.at(self.pixels, content.classes[known & inside], content.pixels[known & inside])
        np.add.at(self.segments, content.classes[inside], 1)
        self.images[np.unique(content.classes[inside])] += 1
        self.num_segments[path] = len(content.classes)
        self.outside.update(content.outside)
        labelled = int(content.pixels[known].sum())
        void = content.void
        if void is None and is_panoptic and head is not None and known.all():
            void = max(0, head.height * head.width - labelled)
        if void is not None:
            self.void_pixels += void
            self.known_pixels += void + labelled


def survey(
    dataset: Any,
    number: int | None = None,
    seconds: float | None = None,
    classes: Sequence[str] | None = None,
) -> Survey:
    """Look at the images and annotations of a data set, wrapped or not, of label maps or of COCO's files.

    Args:
        dataset: The data set.
        number: Images to look at, evenly from first to last; None for all. The suffixes, and what is left
            out, are those of all.
        seconds: Stop looking after this time; the same again for the list of files of each data set.
        classes: Names of the classes; by default the data set's.

    Example:
        >>> found = survey(DATASETS.build(cfg.train_dataloader.dataset), number=200)
        >>> found.absent
        ['kite']
    """
    found = Survey(tuple(classes or dataset.metainfo.get('classes') or ()))
    places = []
    names: Counter[str] = Counter()
    for part in leaves(dataset):
        if not hasattr(part.dataset, 'get_data_info'):
            raise ValueError(f'{type(part.dataset).__name__} has no get_data_info: it cannot be looked at.')
        used = np.flatnonzero(part.times).tolist()
        found.num_images += len(used)
        translations = (getattr(part.dataset, name, None) for name in ('reduce_zero_label', 'label_map'))
        found.translated |= any(translations)
        found.num_samples += int(part.times.sum())
        places += [(part.dataset, index) for index in used]
        paths = _paths(part.dataset, used, _end(seconds))
        names.update(osp.basename(image) for image, _ in paths)
        found.suffixes.update(osp.splitext(image)[1] for image, _ in paths)
        for reason, files in left_out(part.dataset, paths, len(paths) == len(part.times)).items():
            known = found.left_out.get(reason, [])
            found.left_out[reason] = list(dict.fromkeys([*known, *files]))
    found.repeated_names = sorted(name for name, count in names.items() if count > 1)
    _look(found, _choose(places, number), _end(seconds))
    return found


def _end(seconds: float | None) -> float:
    return math.inf if seconds is None else time.monotonic() + seconds


def _paths(dataset: Any, indices: Sequence[int], end: float) -> list[Paths]:
    """Image and label map of the samples, as far as time allows: COCO's large entries take longer."""
    paths: list[Paths] = []
    for index in indices:
        files = _files(dataset.get_data_info(index))
        paths.append((files.image, files.annotation))
        if time.monotonic() > end:
            break
    return paths


def _choose(places: list, number: int | None) -> list:
    """Some places, evenly, in an order whose beginning is spread over all of them, too."""
    if number is not None and number < len(places):
        chosen = np.unique(np.linspace(0, len(places) - 1, max(number, 1)).round().astype(int))
        places = [places[index] for index in chosen]
    return [places[index] for index in np.random.default_rng(0).permutation(len(places))]


def _look(found: Survey, places: list, end: float) -> None:
    with ThreadPoolExecutor(num_threads()) as pool:
        step = CHUNK if end < math.inf else max(len(places), 1)
        for start in range(0, len(places), step):
            if start and time.monotonic() > end:
                break
            chunk = places[start : start + step]
            files = [_files(dataset.get_data_info(index)) for dataset, index in chunk]
            heads = list(pool.map(_head, [dataset for dataset, _ in chunk], files))
            for names, head, content in zip(files, heads, _contents(chunk)):
                _note(found, names, head, content)


def _contents(chunk: list) -> list[Content | Exception]:
    """Contents in the order of the chunk, data set by data set."""
    result: dict[int, Content | Exception] = {}
    for dataset in {id(dataset): dataset for dataset, _ in chunk}.values():
        places = [place for place, (one, _) in enumerate(chunk) if one is dataset]
        result.update(zip(places, contents_of(dataset, [chunk[place][1] for place in places])))
    return [result[place] for place in range(len(chunk))]


def _note(found: Survey, files: Files, head: ImageHead | Exception, content: Content | Exception) -> None:
    found.num_examined += 1
    if isinstance(head, Exception):
        found.unreadable[files.image] = str(head)
    else:
        found.heads.append(head)
        if head.turned:
            found.turned.append(files.image)
    if isinstance(content, Exception):
        found.unreadable[str(files.annotation)] = str(content)
    else:
        size = None if isinstance(head, Exception) else head
        found.add(files.image, content, size, files.is_panoptic)


def _head(dataset: Any, files: Files) -> ImageHead | Exception:
    try:
        return read_head(files.image, getattr(dataset, 'backend_args', None))
    except Exception as error:
        return error


def _files(info: dict) -> Files:
    return Files(info.get('img_path') or '', info.get('seg_map_path'), 'segments_info' in info)
