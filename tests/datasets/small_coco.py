"""Small files in COCO's formats."""

import json

import cv2
import numpy as np

CATEGORIES = [
    {'id': 7, 'name': 'cat', 'isthing': 1, 'color': [200, 0, 0]},
    {'id': 3, 'name': 'sky', 'isthing': 0, 'color': [0, 0, 200]},
    {'id': 90, 'name': 'dog', 'isthing': 1, 'color': [0, 200, 0]},
]
IDS = np.array([[5, 5, 300, 300, 0], [5, 70000, 70000, 300, 0], [16777215, 16777215, 70000, 300, 300]])
SEGMENTS = [
    {'id': 300, 'category_id': 3, 'area': 5, 'iscrowd': 0},
    {'id': 5, 'category_id': 7, 'area': 3, 'iscrowd': 0},
    {'id': 16777215, 'category_id': 7, 'area': 2, 'iscrowd': 1},
    {'id': 70000, 'category_id': 90, 'area': 3, 'iscrowd': 0},
]


def colors(ids):
    """Id map to the image that COCO stores it in, as OpenCV writes it."""
    ids = np.asarray(ids)
    return np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)


def write_image(folder, ids=IDS, name='a'):
    ids = np.asarray(ids)
    shades = np.random.RandomState(0).randint(0, 256, (*ids.shape, 3), np.uint8)
    cv2.imwrite(str(folder / f'{name}.jpg'), shades)
    cv2.imwrite(str(folder / f'{name}.png'), colors(ids))


def document(segments=SEGMENTS, categories=CATEGORIES):
    """Panoptic annotations of one image, number 11."""
    return {
        'images': [{'id': 11, 'file_name': 'a.jpg', 'height': 3, 'width': 5}],
        'annotations': [{'image_id': 11, 'file_name': 'a.png', 'segments_info': list(segments)}],
        'categories': list(categories),
    }


def write_json(folder, content):
    path = folder / 'annotations.json'
    path.write_text(json.dumps(content))
    return str(path)
