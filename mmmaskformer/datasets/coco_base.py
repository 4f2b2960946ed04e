"""Common parts of the data sets of COCO's JSON files: categories, images, annotations by image id."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine import fileio
from mmengine.utils import is_abs
from mmseg.datasets import BaseSegDataset

from ..file_names import inside
from .categories import Source, check_agreement, load_categories, metainfo_of, parse_categories
from .coco_json import Classes, CocoImage, ImageId, LeftOut, log_left_out, read_document
from .pipelines import check_pipelines

FILTERS = {'filter_empty_gt'}


class CocoDataset(BaseSegDataset):
    """Base of the data sets that one JSON file describes: its images, their annotations and the categories.

    ``metainfo`` holds ``classes``, ``palette``, ``thing_classes`` and ``category_ids`` (the id in files of
    each class), in the order of ``categories``. ``left_out`` has the entries of the file that training and
    evaluation skip: by reason, the file name of the image of each entry. It is filled when the file is read
    (`full_init`), and logged in one line.

    Args:
        ann_file: The JSON file.
        categories: Order of the classes: name of a packaged list, path of a JSON file, list of dicts, or None
            for the categories of ``ann_file`` in its order.
        metainfo: More meta information; classes come from ``categories`` alone.
        data_root: Folder that the other paths start from.
        filter_cfg: ``dict(filter_empty_gt=True)`` skips images without anything to learn in training.
        **kwargs: As mmseg's `BaseSegDataset`; suffixes are not settings, since the file names its images.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the message names the entry.
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
        self.left_out: LeftOut = {}
        self._document: dict | None = None
        if categories is None:
            path = ann_file if is_abs(ann_file) or not data_root else fileio.join_path(data_root, ann_file)
            self._document = read_document(path, backend_args, type(self).__name__)
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
        document = self._document or read_document(self.ann_file, self.backend_args, type(self).__name__)
        self._document = None
        if 'categories' in document:
            found = self._parse_categories(document, self.ann_file)
            check_agreement(self.categories, found, self.ann_file)
        classes = {category.id: (i, category.isthing) for i, category in enumerate(self.categories)}
        self.left_out = {}
        data_list = self._index(document, classes)
        log_left_out(self.ann_file, self.left_out)
        return data_list

    def _index(self, document: dict, classes: Classes) -> list[dict]:
        """Sample information of each image; ``classes`` gives index and isthing by category id."""
        raise NotImplementedError

    def _info(self, img_id: ImageId, image: CocoImage) -> dict:
        """Sample information of an image without its annotations."""
        path = self._path(self.data_prefix.get('img_path', ''), image.name)
        return dict(img_path=path, img_id=img_id, seg_fields=[])

    def _path(self, folder: str, name: str) -> str:
        """Path of a file that the JSON file names, refused if it would lie outside of the folder."""
        if folder and (name[:1] in ('', '/', '\\') or any(part in name for part in ('..', ':', '\0'))):
            inside(Path(folder), name, self.ann_file)
        return osp.join(folder, name)

    def _is_empty(self, info: dict) -> bool:
        """Whether there is nothing to learn from an image."""
        raise NotImplementedError

    def filter_data(self) -> list[dict]:
        """Skip images without anything to learn if ``filter_empty_gt`` is set; in testing keep all."""
        if self.test_mode or not (self.filter_cfg or {}).get('filter_empty_gt', False):
            return self.data_list
        kept = [info for info in self.data_list if not self._is_empty(info)]
        if not kept:
            raise ValueError(
                f'{self.ann_file}: no image has a segment to learn from, and filter_empty_gt drops them all: '
                'set another ann_file.'
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
                    f'{cls.__name__}: {key} is not a setting, since {ann_file} names the files: remove it.'
                )
        unknown = set(filter_cfg or {}) - FILTERS
        if unknown:
            raise ValueError(
                f'{cls.__name__}: Unknown key {sorted(unknown)[0]!r} in filter_cfg; expected filter_empty_gt.'
            )
