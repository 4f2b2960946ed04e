"""Which classes an image's annotation holds, before any transform."""

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

from .dataset_wrappers import bad_samples_pass, leaves
from .transforms import LoadAnnotations

MANY = 1000
"""Label maps whose reading shows a progress bar."""
UNKNOWN = -1


class Content(NamedTuple):
    """What the annotation of an image holds; crowds are left out.

    Attributes:
        classes: ``(S,)`` class of each segment: of a label map, each class that occurs.
        pixels: ``(S,)`` pixels of each segment, `UNKNOWN` where the JSON file does not say.
        void: Pixels of no class, None where that is unknown.
        outside: Labels that are not a class, the ignored one among them.
    """

    classes: NDArray[np.int64]
    pixels: NDArray[np.int64]
    void: int | None = None
    outside: tuple[int, ...] = ()


EMPTY = Content(np.zeros(0, np.int64), np.zeros(0, np.int64))


def contents_of(dataset: Any, indices: Sequence[int]) -> list[Content | Exception]:
    """Contents of some samples of a data set, an exception for those whose label map cannot be read.

    Label maps are read in threads and remembered by the data set.

    Args:
        dataset: A data set without others inside (`dataset_wrappers.leaves`): mmseg's, or one of ours.
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
    """Occurrences of each class in a data set, wrapped or not, as often as wrappers repeat its samples.

    Args:
        dataset: The data set.
        num_classes: Number of classes.
        of_pixels: Count pixels, not segments.

    Raises:
        ValueError: A JSON file does not say how many pixels a segment has.
    """
    total = np.zeros(num_classes, dtype=np.int64)
    for leaf in leaves(dataset):
        places = np.flatnonzero(leaf.times)
        for place, content in zip(places, contents_of(leaf.dataset, places.tolist())):
            if isinstance(content, Exception):  # training refuses or skips the sample
                continue
            if of_pixels and (content.pixels == UNKNOWN).any():
                raise ValueError(
                    f'{leaf.dataset.ann_file}: a segment of '
                    f'{leaf.dataset.get_data_info(place)["img_path"]} has no area, but pixels of the classes '
                    'are to be counted: write the area of every segment, or give class_weight as a list.'
                )
            weights = content.pixels if of_pixels else np.ones_like(content.classes)
            counts = np.bincount(content.classes, weights=weights, minlength=num_classes)[:num_classes]
            total += leaf.times[place] * counts.astype(np.int64)
    return total


def provide_cat_ids() -> None:
    """Give MMEngine's `ClassBalancedDataset` what it asks of data sets, where they have it not.

    MMEngine leaves ``get_cat_ids`` to each data set, mmseg has none, and wrappers do not pass it on.
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
    """What the JSON file says, of which no PNG is opened."""
    entries = [*info.get('segments_info', ()), *info.get('instances', ())]
    entries = [entry for entry in entries if not entry['iscrowd']]
    areas = [UNKNOWN if entry['area'] is None else round(entry['area']) for entry in entries]
    classes = [entry['category_id'] for entry in entries]
    return Content(np.array(classes, dtype=np.int64), np.array(areas, dtype=np.int64))


def _reader(dataset: Any) -> Callable[[dict], Content | Exception]:
    """A function of a sample's information that reads the label map as the data set's pipeline does."""
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
    loading = [transform for transform in transforms if isinstance(transform, MMSegLoadAnnotations)][:1]
    steps = loading or transforms or [LoadAnnotations()]
    num_classes = len(dataset.metainfo.get('classes') or ())

    def read(info: dict) -> Content | Exception:
        try:
            results = dict(info)
            for step in steps:  # a loader of one's own may need what comes before it
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
    """Threads that read files in this process, beside the others of a distributed run on this machine."""
    return min(32, max(1, (os.cpu_count() or 1) // int(os.environ.get('LOCAL_WORLD_SIZE', 1))))


def _in_threads(read: Callable[[dict], Any], infos: list[dict]) -> list[Any]:
    """Decoders work without Python's lock, so threads do, and nothing has to be copied to processes."""
    with ThreadPoolExecutor(num_threads()) as pool:
        done = pool.map(read, infos)
        if len(infos) < MANY or not is_main_process():
            return list(done)
        print(f'Reading {len(infos)} label maps, once, for the classes in them', file=sys.stderr)
        return list(track_iter_progress((done, len(infos)), file=sys.stderr))
