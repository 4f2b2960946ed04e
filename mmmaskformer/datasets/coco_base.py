"""What the data sets of COCO's JSON files share: categories, images, and truths found by image id."""

from __future__ import annotations

import json
import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine import fileio
from mmengine.utils import is_abs
from mmseg.datasets import BaseSegDataset

from ..utils import inside
from .categories import Source, check_agreement, load_categories, metainfo_of, parse_categories
from .entries import IMAGE, check_entries
from .id_map_pipelines import check_pipelines

FILTERS = {'filter_empty_gt'}


class CocoDataset(BaseSegDataset):
    """Base of the data sets that one JSON file describes: its images, their truth and the categories.

    ``metainfo`` holds ``classes``, ``palette``, ``thing_classes`` and ``category_ids`` (the id in files of
    each class), in the order of ``categories``.

    Args:
        ann_file: The JSON file.
        categories: Order of the classes: name of a packaged list, path of a JSON file, list of dicts, or None
            for the categories of ``ann_file`` in its order.
        metainfo: More meta information; classes come from ``categories`` alone.
        data_root: Folder that the other paths start from.
        filter_cfg: ``dict(filter_empty_gt=True)`` leaves images without anything to learn out of training.
        **kwargs: As mmseg's `BaseSegDataset`; suffixes have no say, since the file names its images.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the sentence names the entry.
    """

    img_suffix = seg_map_suffix = ''
    all_things = False
    has_segments = True

    def __init__(
        self,
        ann_file: str = '',
        categories: Source | None = None,
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        filter_cfg: dict | None = None,
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        self._check_arguments(ann_file, metainfo, filter_cfg, kwargs)
        self._document: dict | None = None
        if categories is None:
            path = ann_file if is_abs(ann_file) or not data_root else fileio.join_path(data_root, ann_file)
            self._document = self._read(path, backend_args)
            self.categories = self._parse_categories(self._document, path)
        else:
            self.categories = load_categories(categories)
        super().__init__(
            ann_file=ann_file,
            img_suffix='',
            seg_map_suffix='',
            metainfo={**metainfo_of(self.categories), **(metainfo or {})},
            data_root=data_root,
            filter_cfg=filter_cfg,
            backend_args=backend_args,
            **kwargs,
        )
        check_pipelines(self)

    def load_data_list(self) -> list[dict]:
        """One dict for each image, in the order of the file; no file but ``ann_file`` is opened."""
        document = self._document or self._read(self.ann_file, self.backend_args)
        self._document = None
        if 'categories' in document:
            found = self._parse_categories(document, self.ann_file)
            check_agreement(self.categories, found, self.ann_file)
        classes = {category.id: (i, category.isthing) for i, category in enumerate(self.categories)}
        images = self._images(document)
        truths = self._truths(document.get('annotations', []), images, classes)
        return [
            {**info, **(truths[img_id] if img_id in truths else self._without_truth(info))}
            for img_id, info in images.items()
        ]

    def _images(self, document: dict) -> dict[Any, dict]:
        """What is known of each image without its truth, by its id."""
        folder = self.data_prefix.get('img_path', '')
        images: dict[Any, dict] = {}
        for image in check_entries(document['images'], IMAGE, f'{self.ann_file}: images'):
            if image['id'] in images:
                raise ValueError(
                    f'{self.ann_file}: the image {image} has the id of another image: correct that entry.'
                )
            path = self._path(folder, self._picture(image))
            images[image['id']] = dict(img_path=path, img_id=image['id'], seg_fields=[])
        return images

    def _picture(self, image: Mapping) -> str:
        """Path of a picture in the folder of pictures, as the file's entry for it says."""
        return image['file_name']

    def _path(self, folder: str, name: str) -> str:
        """Path of a file that the JSON file names; if there is a folder for it, it lies inside."""
        if folder and (name[:1] in ('', '/', '\\') or any(part in name for part in ('..', ':', '\0'))):
            inside(Path(folder), name, self.ann_file)
        return osp.join(folder, name)

    def _truths(self, annotations: list[dict], images: Mapping, classes: Mapping) -> dict[Any, dict]:
        """What is true of each image, by its id; ``classes`` gives index and isthing by category id."""
        raise NotImplementedError

    def _without_truth(self, info: dict) -> dict:
        """What stands in for the truth of an image that has none."""
        raise NotImplementedError

    def _is_empty(self, info: dict) -> bool:
        """Whether there is nothing to learn from an image."""
        raise NotImplementedError

    def filter_data(self) -> list[dict]:
        """The images to learn from, if ``filter_empty_gt`` says so; all of them in testing."""
        if self.test_mode or not (self.filter_cfg or {}).get('filter_empty_gt', False):
            return self.data_list
        kept = [info for info in self.data_list if not self._is_empty(info)]
        if not kept:
            raise ValueError(
                f'{self.ann_file}: no image has a segment to learn from, and filter_empty_gt drops them all: '
                'give another ann_file.'
            )
        return kept

    @classmethod
    def _parse_categories(cls, document: dict, path: str) -> tuple:
        if 'categories' not in document:
            raise ValueError(
                f'{path} has no categories: set categories to the list that belongs to it, for example '
                "'coco_panoptic'."
            )
        return parse_categories(document['categories'], path, cls.all_things)

    @classmethod
    def _read(cls, path: str, backend_args: dict | None) -> dict:
        try:
            document = json.loads(fileio.get_text(path, backend_args=backend_args))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{cls.__name__}: the annotation file {path} does not exist: put it there, or set '
                'ann_file and data_root.'
            ) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f'The annotation file {path} is no JSON ({error}): replace the file.') from error
        if not isinstance(document, dict) or 'images' not in document:
            raise ValueError(f'{path} has no list of images: give a JSON file of COCO as ann_file.')
        return document

    @classmethod
    def _check_arguments(
        cls, ann_file: str, metainfo: Mapping | None, filter_cfg: Mapping | None, kwargs: Mapping
    ) -> None:
        if not ann_file:
            raise ValueError(f'{cls.__name__} needs ann_file, the JSON file with its images and categories.')
        if 'classes' in (metainfo or {}):
            raise ValueError(
                f'{cls.__name__}: metainfo has classes, but they come from categories: '
                'set categories instead.'
            )
        for key in ('img_suffix', 'seg_map_suffix'):
            if key in kwargs:
                raise ValueError(
                    f'{cls.__name__}: {key} has no use, {ann_file} names its files: leave it out.'
                )
        unknown = set(filter_cfg or {}) - FILTERS
        if unknown:
            raise ValueError(
                f'{cls.__name__}: filter_cfg has {sorted(unknown)[0]!r}, but knows only filter_empty_gt.'
            )
