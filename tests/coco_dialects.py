"""COCO files as different tools write them, and the objects that each of them means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

HEIGHT, WIDTH = 12, 16
NAMES = ('cat', 'dög', '鳥', 'fish')
FOLDERS = ('', 'a/', 'a/b c/', 'straße/写真/')
LOAD = [
    {'type': 'mmmaskformer.LoadImageFromFile'},
    {'type': 'mmmaskformer.LoadInstanceAnnotations'},
    {'type': 'mmmaskformer.PackSegmentInputs'},
]
NOT_USED = (
    dict(segmentation=[]),
    dict(segmentation=None),
    dict(segmentation=[[]]),
    dict(),
    dict(segmentation=[[3, 3, 9, 3]]),
    dict(segmentation=[[1, 1, 5, 5, 9, 9]], area=12),
    dict(segmentation=[[4.1, 4.1, 4.2, 4.1, 4.2, 4.2]]),
    dict(segmentation=[[-9, -9, -2, -9, -2, -2]]),
    dict(segmentation=dict(size=[HEIGHT, WIDTH], counts=[HEIGHT * WIDTH])),
    dict(segmentation=[], bbox=[1, 1, 4, 4], iscrowd=1),
)
"""What annotations have that no pixel belongs to."""


def box_mask(box: tuple) -> np.ndarray:
    """Pixels of ``(left, top, right, bottom)``."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def outline(box: tuple, form: str) -> Any:
    """A box in one of the ways that tools write outlines."""
    left, top, right, bottom = box
    polygon = [left, top, right, top, right, bottom, left, bottom]
    runs = coco_masks.encode(np.asfortranarray(box_mask(box).astype(np.uint8)))
    flat = box_mask(box).T.ravel().astype(int)
    counts = np.diff([0, *(np.flatnonzero(np.diff(flat)) + 1), flat.size]).tolist()
    return {
        'polygon': [polygon],
        'floats': [[float(value) for value in polygon]],
        'speck': [[left, top, right, bottom], polygon],
        'speck behind': [polygon, [left, top]],
        'line': [polygon, [0, 0, 5, 5, 9, 9]],
        'flat': polygon,
        'pairs': [polygon[i : i + 2] for i in range(0, 8, 2)],
        'compressed': dict(size=[HEIGHT, WIDTH], counts=runs['counts'].decode()),
        'uncompressed': dict(size=[HEIGHT, WIDTH], counts=[0, *counts] if flat[0] else counts),
    }[form]


FORMS = ('polygon', 'floats', 'speck', 'speck behind', 'line', 'flat', 'pairs', 'compressed', 'uncompressed')
WRITTEN = {'int': int, 'float': float, 'text': str}


@st.composite
def boxes(draw: st.DrawFn) -> tuple:
    left, top = draw(st.integers(0, WIDTH - 2)), draw(st.integers(0, HEIGHT - 2))
    return left, top, draw(st.integers(left + 1, WIDTH)), draw(st.integers(top + 1, HEIGHT))


@st.composite
def instance_files(draw: st.DrawFn) -> tuple[dict, dict[str, list[tuple[str, tuple]]]]:
    """A document, and class and box of the objects of each image by its file name."""
    category_ids = draw(st.lists(st.integers(0, 99), min_size=len(NAMES), max_size=len(NAMES), unique=True))
    categories = [dict(id=number, name=name) for number, name in zip(category_ids, NAMES)]
    number_as, image_as, category_as = (draw(st.sampled_from(sorted(WRITTEN))) for _ in range(3))
    first_image = draw(st.integers(0, 2))
    meant: dict[str, list] = {}
    images, annotations = [], []
    for place in range(draw(st.integers(1, 3))):
        name = f'{draw(st.sampled_from(FOLDERS))}{place}.png'
        image = dict(id=place + first_image, file_name=name)
        image.update(
            draw(st.sampled_from([dict(height=HEIGHT, width=WIDTH), {}, dict(height=None, width=0)]))
        )
        if draw(st.booleans()):
            image['file_name'] = name.replace('/', '\\')
        images.append(image)
        meant[name] = []
        for box in draw(st.lists(boxes(), max_size=3)):
            label = draw(st.integers(0, len(NAMES) - 1))
            entry = dict(segmentation=outline(box, draw(st.sampled_from(FORMS))), **draw(fields()))
            entry.update(image_id=WRITTEN[image_as](image['id']), category_id=category_ids[label])
            annotations.append(entry)
            meant[name].append((NAMES[label], box))
        for entry in draw(st.lists(st.sampled_from(NOT_USED), max_size=2)):
            annotations.append(
                dict(entry, image_id=WRITTEN[image_as](image['id']), category_id=category_ids[0])
            )
    if not any(meant.values()):
        annotations = []
    for entry in annotations:
        entry['category_id'] = WRITTEN[category_as](entry['category_id'])
    _number(annotations, draw(st.sampled_from(('from 0', 'from 1', 'all the same', 'none'))), number_as)
    document = dict(
        images=draw(st.permutations(images)),
        categories=draw(st.permutations(categories)),
        annotations=draw(st.permutations(annotations)),
        **draw(st.sampled_from([{}, dict(info={}, licenses=[])])),
    )
    return document, meant


def fields() -> st.SearchStrategy[dict]:
    """Fields that annotations may lack or write in other ways."""
    crowd = st.sampled_from([{}, *(dict(iscrowd=value) for value in (0, 0.0, None, False, '0'))])
    area = st.sampled_from(
        [{}, *(dict(area=value) for value in (7, 7.5, '7.5', None, 0, -3, float('nan'), 'unknown'))]
    )
    return st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        crowd,
        area,
        st.sampled_from([{}, dict(attributes=dict(occluded=False), bbox=[0, 0, 1, 1])]),
    )


def _number(annotations: list[dict], how: str, number_as: str) -> None:
    for place, entry in enumerate(annotations):
        number = {'from 0': place, 'from 1': place + 1, 'all the same': 1}.get(how)
        if number is not None:
            entry['id'] = WRITTEN[number_as](number)


def write_dialect(folder: Path, document: dict, names: list[str], mark: bool = False) -> str:
    """The JSON file, with a byte order mark if asked for, and the images."""
    for name in names:
        path = folder / 'img' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(cv2.imencode('.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1].tobytes())
    path = folder / 'instances.json'
    path.write_text(json.dumps(document, ensure_ascii=False), encoding='utf-8-sig' if mark else 'utf-8')
    return str(path)
