"""Classes in the annotation of each image, before any transform, and class counts of a data set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.dist import is_main_process
from mmengine.utils import track_iter_progress
from mmseg.datasets import BaseSegDataset, MultiImageMixDataset
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations
from numpy.typing import NDArray

from .dataset_wrappers import bad_samples_pass, unwrapped_datasets
from .transforms import LoadAnnotations

MANY = 1000
"""From this number of label maps on, reading shows a progress bar."""
UNKNOWN = -1


class Content(NamedTuple):
    """Classes and pixels in the annotation of an image, without crowds.

    Attributes:
        classes: ``(S,)`` class of each segment: of a label map, each class that occurs.
        pixels: ``(S,)`` pixels of each segment, `UNKNOWN` where the JSON file has no area.
        void: Pixels of no class, None if unknown.
        outside: Labels that are not a class, the ignored one among them.
    """

    classes: NDArray[np.int64]
    pixels: NDArray[np.int64]
    void: int | None = None
    outside: tuple[int, ...] = ()


EMPTY = Content(np.zeros(0, np.int64), np.zeros(0, np.int64))


def contents_of(dataset: Any, indices: Sequence[int]) -> list[Content | Exception]:
    """Contents of the annotations of samples; an exception for a label map that cannot be read.

    Label maps are read in threads; the data set caches their contents.

    Args:
        dataset: A data set that is not a wrapper (see `dataset_wrappers.unwrapped_datasets`).
        indices: Numbers of the samples.
    """
    known = dataset.__dict__.setdefault('_contents', {})
    new: dict[str, dict] = {}
    found: list[Content | str] = []
    for info in map(dataset.get_data_info, indices):  # one at a time: outlines of all images are gigabytes
        if not _has_label_map(info):
            found.append(_listed(info))
            continue
        path = info['seg_map_path']
        found.append(path)
        if path not in known:
            new[path] = info
    if new:
        known.update(zip(new, _in_threads(_reader(dataset), list(new.values()))))
    return [known[content] if isinstance(content, str) else content for content in found]


def cat_ids(dataset: Any, idx: int) -> list[int]:
    """Classes of a sample, ascending: ``get_cat_ids`` of mmseg's data sets and of ours.

    The first call reads all label maps of the data set.

    Raises:
        FileNotFoundError: The label map is missing.
        ValueError: The label map cannot be read.
    """
    info = dataset.get_data_info(idx)
    if _has_label_map(info) and info['seg_map_path'] not in dataset.__dict__.get('_contents', {}):
        contents_of(dataset, range(len(dataset)))
    (content,) = contents_of(dataset, [idx])
    if isinstance(content, Exception):
        if bad_samples_pass():
            return []
        raise content
    return np.unique(content.classes).tolist()


def class_counts(dataset: Any, num_classes: int, of_pixels: bool = False) -> NDArray[np.int64]:
    """Occurrences of each class in a data set, including the repetitions of wrappers.

    Args:
        dataset: The data set.
        num_classes: Number of classes.
        of_pixels: Count pixels instead of segments.

    Raises:
        ValueError: A segment of a JSON file has no area, and pixels are counted.
    """
    total = np.zeros(num_classes, dtype=np.int64)
    for part in unwrapped_datasets(dataset):
        places = np.flatnonzero(part.times)
        for place, content in zip(places, contents_of(part.dataset, places.tolist())):
            if isinstance(content, Exception):  # training refuses or skips the sample
                continue
            if of_pixels and (content.pixels == UNKNOWN).any():
                raise ValueError(
                    f'{part.dataset.ann_file}: a segment of '
                    f'{part.dataset.get_data_info(place)["img_path"]} has no area, which counting pixels of '
                    'classes needs: add the area of every segment, or set class_weight to a list.'
                )
            weights = content.pixels if of_pixels else np.ones_like(content.classes)
            counts = np.bincount(content.classes, weights=weights, minlength=num_classes)[:num_classes]
            total += part.times[place] * counts.astype(np.int64)
    return total


def provide_cat_ids() -> None:
    """Add the method ``get_cat_ids`` to mmseg's data sets and to wrappers.

    MMEngine's `ClassBalancedDataset` calls it. MMEngine leaves it to each data set, mmseg does not implement
    it, and wrappers do not forward it.
    """
    if BaseSegDataset.get_cat_ids is BaseDataset.get_cat_ids:
        BaseSegDataset.get_cat_ids = cat_ids
    passing: dict[type, Callable] = {
        ConcatDataset: _of_concatenated,
        RepeatDataset: lambda self, idx: self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx)),
        MultiImageMixDataset: lambda self, idx: self.dataset.get_cat_ids(idx),
    }
    for wrapper, function in passing.items():
        if not hasattr(wrapper, 'get_cat_ids'):
            wrapper.get_cat_ids = function  # type: ignore[attr-defined]


def _of_concatenated(self: Any, idx: int) -> list[int]:
    place, index = self._get_ori_dataset_idx(idx)
    return self.datasets[place].get_cat_ids(index)


def _has_label_map(info: dict) -> bool:
    return info.get('seg_map_path') is not None and 'segments_info' not in info and 'instances' not in info


def _listed(info: dict) -> Content:
    """Content according to the JSON file; opens no PNG."""
    entries = [*info.get('segments_info', ()), *info.get('instances', ())]
    entries = [entry for entry in entries if not entry['iscrowd']]
    areas = [UNKNOWN if entry['area'] is None else round(entry['area']) for entry in entries]
    classes = [entry['category_id'] for entry in entries]
    return Content(np.array(classes, dtype=np.int64), np.array(areas, dtype=np.int64))


def _reader(dataset: Any) -> Callable[[dict], Content | Exception]:
    """Returns a function that reads the label map of a sample as the data set's pipeline does."""
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
    loading = [transform for transform in transforms if isinstance(transform, MMSegLoadAnnotations)][:1]
    steps = loading or transforms or [LoadAnnotations()]
    num_classes = len(dataset.metainfo.get('classes') or ())

    def read(info: dict) -> Content | Exception:
        try:
            results = dict(info)
            for step in steps:  # a custom loader may need the transforms before it
                results = step(results)
                if 'gt_seg_map' in results:
                    return _count(results['gt_seg_map'], num_classes)
        except Exception as error:
            return error
        return EMPTY

    return read


def _count(label_map: np.ndarray, num_classes: int) -> Content:
    counts = np.bincount(label_map.ravel(), minlength=num_classes)
    classes = np.flatnonzero(counts[:num_classes])
    outside = num_classes + np.flatnonzero(counts[num_classes:])
    return Content(classes, counts[classes], int(counts[num_classes:].sum()), tuple(outside.tolist()))


def num_threads() -> int:
    """Threads that read files: this process's share of the processors in a distributed run."""
    return min(32, max(1, (os.cpu_count() or 1) // int(os.environ.get('LOCAL_WORLD_SIZE', 1))))


def _in_threads(read: Callable[[dict], Any], infos: list[dict]) -> list[Any]:
    """Decoders release the GIL, so threads suffice and nothing is copied between processes."""
    with ThreadPoolExecutor(num_threads()) as pool:
        done = pool.map(read, infos)
        if len(infos) < MANY or not is_main_process():
            return list(done)
        print(f'Reading {len(infos)} label maps once to find their classes', file=sys.stderr)
        return list(track_iter_progress((done, len(infos)), file=sys.stderr))
