"""Statistics of a data set: images, classes, segments, and files that are missing, unused or damaged."""

from __future__ import annotations

import math
import os.path as osp
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_contents import UNKNOWN, Content, contents_of, num_threads
from .dataset_files import LeftOut, Paths, unused_files
from .dataset_wrappers import unwrapped_datasets
from .image_headers import ImageHeader
from .pipelines import all_transforms
from .sample_files import FileCheck, check_files, files_of
from .transforms import LoadAnnotations, SegmentMosaic

CHUNK = 64
"""Images between two checks of the time limit."""

Counts = NDArray[np.int64]


@dataclass
class Survey:
    """Statistics of a data set, without transforms; images that wrappers repeat count once.

    Attributes:
        classes: Names of the classes.
        num_images: Images of the data set.
        num_samples: Samples in one pass, with the repetitions of wrappers.
        num_examined: Images whose annotation was looked at.
        suffixes: Number of images by suffix, of all images unless time ran out.
        left_out: What is left out, by reason; see `dataset_files.unused_files`.
        repeated_names: File names that images of several folders share, or that are listed twice.
        headers: Sizes and kinds of the images looked at.
        turned: Paths of images that are turned by their EXIF orientation.
        unreadable: By path, why training cannot use an image or annotation: it cannot be read, or the two
            differ in size, or a pixel has an id that the JSON file lacks. All panoptic PNGs are decoded for
            the last, or under a time limit the first `CHUNK` of them.
        pixels: ``(K,)`` labeled pixels of each class, of segments whose area is known.
        segments: ``(K,)`` segments of each class.
        images: ``(K,)`` images with each class.
        num_segments: Segments in each image, by its path.
        void_pixels: Pixels of no class.
        known_pixels: Pixels of the images in which the pixels of no class are known.
        outside: Images by label that is not a class.
        file_labels: Labels of one label map with void, as its file has them.
        translated: Whether labels of files are changed by ``reduce_zero_label`` or a choice of classes.
        images_per_sample: 4 where the pipeline has a `SegmentMosaic`.
        has_segments: Whether the annotations are segments with ids, not label maps.
    """

    classes: tuple[str, ...]
    num_images: int = 0
    num_samples: int = 0
    num_examined: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    left_out: LeftOut = field(default_factory=dict)
    repeated_names: list[str] = field(default_factory=list)
    headers: list[ImageHeader] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    pixels: Counts = field(init=False)
    segments: Counts = field(init=False)
    images: Counts = field(init=False)
    num_segments: dict[str, int] = field(default_factory=dict)
    void_pixels: int = 0
    known_pixels: int = 0
    outside: Counter[int] = field(default_factory=Counter)
    file_labels: tuple[int, ...] | None = None
    translated: bool = False
    images_per_sample: int = 1
    has_segments: bool = False

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

    def add(self, path: str, content: Content, header: ImageHeader | None, is_panoptic: bool) -> None:
        """Count the annotation of an image."""
        known = content.pixels != UNKNOWN
        inside = content.classes < len(self.classes)
        np.add.at(self.pixels, content.classes[known & inside], content.pixels[known & inside])
        np.add.at(self.segments, content.classes[inside], 1)
        self.images[np.unique(content.classes[inside])] += 1
        self.num_segments[path] = len(content.classes)
        self.outside.update(content.outside)
        labeled = int(content.pixels[known].sum())
        void = content.void
        if void is None and is_panoptic and header is not None and known.all():
            void = max(0, header.height * header.width - labeled)
        if void is not None:
            self.void_pixels += void
            self.known_pixels += void + labeled


def survey(
    dataset: Any,
    number: int | None = None,
    seconds: float | None = None,
    classes: Sequence[str] | None = None,
) -> Survey:
    """Collect statistics of a data set, wrapped or not, of label maps or of COCO's files.

    Args:
        dataset: The data set.
        number: Images to look at, evenly from first to last; None for all. Suffixes and unused files are
            those of all images.
        seconds: Time limit for the images, and again for the list of files of each data set.
        classes: Names of the classes; by default the data set's.

    Example:
        >>> found = survey(DATASETS.build(cfg.train_dataloader.dataset), number=200)
        >>> found.absent
        ['kite']
    """
    found = Survey(tuple(classes or dataset.metainfo.get('classes') or ()))
    places = []
    names: Counter[str] = Counter()
    if any(isinstance(transform, SegmentMosaic) for transform in all_transforms(dataset)):
        found.images_per_sample = 4
    for part in unwrapped_datasets(dataset):
        if not hasattr(part.dataset, 'get_data_info'):
            raise ValueError(f'{type(part.dataset).__name__} has no get_data_info, which lists its files.')
        used = np.flatnonzero(part.times).tolist()
        found.num_images += len(used)
        translations = (getattr(part.dataset, name, None) for name in ('reduce_zero_label', 'label_map'))
        found.translated |= any(translations)
        found.has_segments |= getattr(part.dataset, 'has_segments', False)
        found.num_samples += int(part.times.sum())
        places += [(part.dataset, index) for index in used]
        paths = _paths(part.dataset, used, _end(seconds))
        names.update(osp.basename(image) for image, _ in paths)
        found.suffixes.update(osp.splitext(image)[1] for image, _ in paths)
        for reason, files in unused_files(part.dataset, paths, len(paths) == len(part.times)).items():
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
        files = files_of(dataset.get_data_info(index))
        paths.append((files.image, files.annotation))
        if time.monotonic() > end:
            break
    return paths


def _choose(places: list, number: int | None) -> list:
    """Evenly spaced places, shuffled so that an early stop has also seen the whole range."""
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
            check_ids = start == 0 or end == math.inf
            checks = list(pool.map(check_files, *zip(*chunk), [check_ids] * len(chunk)))
            for (dataset, _), check, content in zip(chunk, checks, _contents(chunk)):
                _add(found, dataset, check, content)


def _contents(chunk: list) -> list[Content | Exception]:
    """Contents in the order of the chunk, data set by data set."""
    result: dict[int, Content | Exception] = {}
    for dataset in {id(dataset): dataset for dataset, _ in chunk}.values():
        places = [place for place, (owner, _) in enumerate(chunk) if owner is dataset]
        result.update(zip(places, contents_of(dataset, [chunk[place][1] for place in places])))
    return [result[place] for place in range(len(chunk))]


def _add(found: Survey, dataset: Any, check: FileCheck, content: Content | Exception) -> None:
    found.num_examined += 1
    found.unreadable.update(check.faults)
    if check.header is not None:
        found.headers.append(check.header)
        if check.header.turned:
            found.turned.append(check.files.image)
    annotation = str(check.files.annotation)
    if isinstance(content, Exception):
        found.unreadable[annotation] = str(content)
        return
    if content.outside and found.file_labels is None:
        found.file_labels = _labels_in_file(dataset, annotation)
    found.add(check.files.image, content, check.header, check.files.is_panoptic)


def _labels_in_file(dataset: Any, path: str) -> tuple[int, ...]:
    """The labels of a file before loading translates them; none where another loader is needed."""
    try:
        labels = LoadAnnotations(backend_args=getattr(dataset, 'backend_args', None)).read(path)
    except Exception:
        return ()
    return tuple(np.unique(labels).tolist())
