"""COCO's files, panoptic and instances, of which the JSON file, its entries or a PNG are damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import slow_readings
from damage import damage_bytes, damage_json
from damaged_inputs import Case, drawing, encoded, judge, new_folder
from pycocotools import mask as coco_masks

from mmmaskformer.datasets import (
    CamVidPanopticDataset,
    CityscapesPanopticDataset,
    CocoInstanceDataset,
    CocoPanopticDataset,
)
from mmmaskformer.functional.targets import id_map_to_segments

CATEGORIES = [
    {'id': 7, 'name': 'cat', 'isthing': 1, 'color': [200, 0, 0]},
    {'id': 3, 'name': 'sky', 'isthing': 0, 'color': [0, 0, 200]},
    {'id': 90, 'name': 'dog', 'isthing': 1, 'color': [0, 200, 0]},
]
IMAGES = {'a': 'a.jpg', 'b_0_1': 'ü.jpg'}  # by id
LOAD, PACK = [{'type': 'mmmaskformer.LoadImageFromFile'}], [{'type': 'mmmaskformer.PackSegmentInputs'}]


def damaged_panoptic(root: Path, random: Random) -> Iterator[Case]:
    """One damage in three is to a PNG, or its pixels have an id or a size that they must not have."""
    for number in range(10**9):
        if number % 50 == 0:
            folder = new_folder(root, random, number)
            cls = random.choice((CocoPanopticDataset, CamVidPanopticDataset, CityscapesPanopticDataset))
            sizes = _write_images(folder, random)
        document, ids = _panoptic_files(random, sizes)
        maps = {name: encoded(_colors(pixels), '.png') for name, pixels in ids.items()}
        text = json.dumps(document).encode()
        before = _slow_panoptic(text, maps)
        if random.random() < 0.65:
            kind, text = _damage_text(random, document)
        else:
            kind, name = random.choice(('bytes', 'bytes', 'pixels', 'size')), random.choice(list(maps))
            if kind == 'bytes':
                kind, maps[name] = damage_bytes(random, maps[name])
            else:
                maps[name] = encoded(_colors(_wrong_ids(random, kind, ids[name])), '.png')
        for name, content in maps.items():
            (folder / name).write_bytes(content)
        yield f'panoptic {kind}', _judge(cls, 'LoadPanopticAnnotations', folder, text, before, maps)


def damaged_instances(root: Path, random: Random) -> Iterator[Case]:
    """Polygons and run lengths, and the JSON file around them."""
    for number in range(10**9):
        if number % 50 == 0:
            folder = new_folder(root, random, number)
            sizes = _write_images(folder, random)
        document = _document(sizes)
        document['annotations'] = [dict(id=i, **_object(random, sizes)) for i in range(random.randint(0, 6))]
        before = _slow_instances(json.dumps(document).encode(), sizes)
        kind, text = _damage_text(random, document)
        yield (
            f'instances {kind}',
            _judge(CocoInstanceDataset, 'LoadInstanceAnnotations', folder, text, before, sizes),
        )


def _judge(cls: type, loader: str, folder: Path, text: bytes, before: Any, files: dict) -> str:
    """``files`` are the PNGs of panoptic data, or the sizes of images, by name."""
    path = folder / 'annotations.json'
    path.write_bytes(text)

    def load() -> list:
        pipeline = [*LOAD, {'type': f'mmmaskformer.{loader}'}, *PACK]
        prefix = dict(img_path=str(folder), seg_map_path=str(folder))
        chosen = {} if cls is CocoInstanceDataset else dict(categories=None)
        if cls in (CamVidPanopticDataset, CityscapesPanopticDataset):  # whose lists are fixed
            chosen = dict(categories=json.loads(json.dumps(CATEGORIES)))
        dataset = cls(
            ann_file=str(path), data_prefix=prefix, pipeline=pipeline, serialize_data=False, **chosen
        )
        num_classes = len(dataset.metainfo['classes'])
        samples = [dataset.prepare_data(i)['data_samples'] for i in range(len(dataset))]
        return [
            slow_readings.of_segments(
                id_map_to_segments(sample.gt_panoptic_seg.data, sample.gt_segments_info, num_classes)
            )
            for sample in samples
        ]

    def expected() -> list:
        fixed = None if cls in (CocoPanopticDataset, CocoInstanceDataset) else CATEGORIES
        slow = _slow_instances if cls is CocoInstanceDataset else _slow_panoptic
        return slow(text, files, fixed)

    return judge(load, expected, before, folder)


def _damage_text(random: Random, document: dict) -> tuple[str, bytes]:
    if random.random() < 0.75:
        kind, text = damage_json(random, document)
        return f'json {kind}', text.encode()
    kind, content = damage_bytes(random, json.dumps(document).encode())
    return f'json {kind}', content


def _slow_panoptic(text: bytes, maps: dict[str, bytes], categories: list | None = None) -> list:
    document = json.loads(text)
    entries = {entry['image_id']: entry for entry in document.get('annotations', [])}
    return [
        slow_readings.panoptic(
            maps[entries[image['id']]['file_name']],
            entries[image['id']],
            categories or document['categories'],
        )
        for image in document['images']
    ]


def _slow_instances(text: bytes, sizes: dict[str, tuple], categories: list | None = None) -> list:
    document = json.loads(text)
    return [
        slow_readings.instances(
            [entry for entry in document.get('annotations', []) if entry['image_id'] == image['id']],
            document['categories'],
            *sizes[image['file_name']],
        )
        for image in document['images']
    ]


def _write_images(folder: Path, random: Random) -> dict[str, tuple[int, int]]:
    """Also under the names that Cityscapes would have; the sizes by name."""
    sizes = {}
    for image_id, name in IMAGES.items():
        pixels = drawing(random)
        (folder / name).write_bytes(encoded(pixels, '.jpg'))
        city = folder / image_id.rsplit('_', 2)[0]
        city.mkdir()
        (city / f'{image_id}_leftImg8bit.png').write_bytes(encoded(pixels, '.png'))
        sizes[name] = pixels.shape[:2]
    return sizes


def _document(sizes: dict) -> dict:
    images = [
        dict(id=image_id, file_name=name, height=sizes[name][0], width=sizes[name][1])
        for image_id, name in IMAGES.items()
    ]
    return dict(images=images, annotations=[], categories=CATEGORIES)


def _panoptic_files(random: Random, sizes: dict) -> tuple[dict, dict[str, np.ndarray]]:
    document, ids = _document(sizes), {}
    for image in document['images']:
        numbers = random.sample(range(1, 1 << 24), 3) + random.sample(range(1, 300), 3)
        rng = np.random.RandomState(random.randrange(2**32))
        small = np.array([0, *numbers])[rng.randint(0, 7, (4, 4))].astype(np.float64)
        height, width = sizes[image['file_name']]
        name = f'{image["id"]}.png'
        ids[name] = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST).astype(int)
        crowds = random.choice((0, 0, 0.3, 1))
        segments = [
            dict(
                id=i,
                category_id=random.choice((7, 3, 90)),
                area=int((ids[name] == i).sum()),
                iscrowd=int(random.random() < crowds),
            )
            for i in numbers
        ]
        document['annotations'].append(dict(image_id=image['id'], file_name=name, segments_info=segments))
    return document, ids


def _colors(ids: np.ndarray) -> np.ndarray:
    return np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)


def _wrong_ids(random: Random, kind: str, ids: np.ndarray) -> np.ndarray:
    if kind == 'size':
        return random.choice((ids[1:], ids[:, :-1], ids.T, np.pad(ids, 1)))
    wrong = ids.copy()
    wrong.flat[random.randrange(ids.size)] = random.choice((random.randrange(1 << 24), 0))
    return wrong


def _object(random: Random, sizes: dict) -> dict:
    image_id = random.choice(list(IMAGES))
    height, width = sizes[IMAGES[image_id]]
    mask = np.zeros((height, width), np.uint8)
    top, left = random.randrange(height), random.randrange(width)
    mask[top : top + random.randint(0, 6), left : left + random.randint(0, 6)] = 1
    flat = mask.T.ravel()
    runs = np.diff([0, *(np.flatnonzero(np.diff(flat)) + 1), flat.size]).tolist()
    size = [height, width]
    forms: list = [
        [[left, top, left + 4, top, left + 4.5, top + 3], [0, 0, 5, 0, 2, 6]],
        dict(size=size, counts=runs if not flat[0] else [0, *runs]),
        dict(size=size, counts=coco_masks.encode(np.asfortranarray(mask))['counts'].decode()),
        random.choice(([], None)),
    ]
    crowd = int(random.random() < 0.2)
    outline = random.choices(forms, (5, 3, 3, 0.2))[0]
    return dict(
        image_id=image_id,
        category_id=random.choice((7, 3, 90)),
        segmentation=outline,
        iscrowd=crowd,
        area=random.choice((9, 9.5, 0)),
    )
