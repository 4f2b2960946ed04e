"""COCO's JSON files for training: read in place where nothing has to change, else written anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..categories import Category
from ..coco_json import ImageIndex
from ..image_headers import ImageHeader
from .contents import Reading, Sample
from .located_files import common_prefix
from .writing import write_document


@dataclass
class CocoSource:
    """A JSON file of a folder.

    Attributes:
        path: The file, below the folder.
        document: Its content.
        ids: Id of the category in what is written, by that in the file.
        images: Path of each image below the folder, by its name in the file.
        maps: Path of each id map, by its name in the file.
        headers: Header of each image, by its path.
        faulty: Outlines that are left out.
        keep_crowds: Whether crowds are crowds.
    """

    path: str
    document: dict
    ids: dict[int, int]
    images: dict[str, str] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    headers: dict[str, ImageHeader] = field(default_factory=dict)
    faulty: list[Any] = field(default_factory=list)
    keep_crowds: bool = True

    @property
    def complete(self) -> bool:
        """Whether nothing of the file has to be changed."""
        renamed = any(number != known for number, known in self.ids.items())
        dropped = len(self.ids) < len(self.document['categories'])
        return not renamed and not dropped and not self.faulty and self.keep_crowds


@dataclass
class CocoReading(Reading):
    """COCO's JSON files.

    Attributes:
        categories: Of all files.
        sources: The files by path.
    """

    categories: list[Category] = field(default_factory=list)
    sources: dict[str, CocoSource] = field(default_factory=dict)

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write the categories, and a JSON file of each split that cannot be read in place."""
        panoptic = self.task == 'panoptic'
        listed = [
            dict(id=c.id, name=c.name, isthing=int(c.isthing), color=list(c.color)) for c in self.categories
        ]
        write_document(out / 'categories.json', listed)
        kind = 'mmmaskformer.CocoPanopticDataset' if panoptic else 'mmmaskformer.CocoInstanceDataset'
        common = dict(type=kind, data_root=str(self.root), categories=str(out / 'categories.json'))
        configs = {}
        for split, members in samples.items():
            config = self._in_place(members)
            if config is None:
                path = out / f'{split}.json'
                write_document(path, self._document(members, listed))
                prefix = dict(img_path='', seg_map_path='') if panoptic else dict(img_path='')
                config = dict(ann_file=str(path), data_prefix=prefix)
            configs[split] = {**common, **config}
        return configs

    def _in_place(self, samples: Sequence[Sample]) -> dict | None:
        """The settings that read a split from its own file; None if that is not possible."""
        paths = {sample.annotation[0] for sample in samples}
        source = self.sources[next(iter(paths), '')] if len(paths) == 1 else None
        if source is None or not source.complete or len(samples) < len(source.document['images']):
            return None
        prefix = dict(img_path=common_prefix(source.images))
        if self.task == 'panoptic':
            prefix['seg_map_path'] = common_prefix(source.maps)
        if None in prefix.values():
            return None
        return dict(ann_file=source.path, data_prefix=prefix)

    def _document(self, samples: Sequence[Sample], categories: list[dict]) -> dict[str, Any]:
        """The content of a JSON file with these images; images and annotations are numbered anew."""
        wanted: dict[str, dict[Any, Sample]] = defaultdict(dict)
        for sample in samples:
            path, img_id = sample.annotation
            wanted[path][img_id] = sample
        images: list[dict] = []
        annotations: list[dict] = []
        for path, members in wanted.items():
            source = self.sources[path]
            index = ImageIndex(source.document, path, {}, None)
            numbers = {img_id: len(images) + place for place, img_id in enumerate(members, start=1)}
            for img_id, sample in members.items():
                height, width = sample.size
                images.append(dict(id=numbers[img_id], file_name=sample.image, height=height, width=width))
            for entry in source.document['annotations']:
                number = numbers.get(index.find(entry['image_id']))
                if number is not None and entry.get('segmentation') not in source.faulty[:1000]:
                    annotations.append(self._entry(source, entry, number, len(annotations) + 1))
        return dict(images=images, annotations=annotations, categories=categories)

    def _entry(self, source: CocoSource, entry: dict, image_id: int, number: int) -> dict:
        if 'segments_info' in entry:
            segments = [
                {**segment, 'category_id': source.ids[int(segment['category_id'])]}
                for segment in entry['segments_info']
            ]
            name = source.maps[entry['file_name'].replace('\\', '/')]
            return dict(image_id=image_id, file_name=name, segments_info=segments)
        changed = dict(id=number, image_id=image_id, category_id=source.ids[int(entry['category_id'])])
        crowd = {} if source.keep_crowds else dict(iscrowd=0)
        return {**entry, **changed, **crowd}
