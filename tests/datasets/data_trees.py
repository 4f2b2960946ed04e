"""Small data sets in the exact files and folders in which the real ones are published."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.io import savemat

import mmmaskformer  # noqa: F401  what imports this may import mmseg next

HEIGHT, WIDTH = 64, 96


def noise(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), np.uint8)


def stripes(values: list[int], dtype: type = np.uint8) -> np.ndarray:
    """Vertical stripes of equal width."""
    columns = np.repeat(np.array(values, dtype), -(-WIDTH // len(values)))[:WIDTH]
    return np.broadcast_to(columns, (HEIGHT, WIDTH)).copy()


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


# sky, ego vehicle, road, a group of cars, two cars, a person, a caravan (not evaluated)
CITYSCAPES = [23, 1, 7, 26, 26000, 26001, 24000, 29000]


def draw_cityscapes(root: Path) -> Path:
    """Three frames of two cities, as leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip have them."""
    numbers = stripes(CITYSCAPES, np.uint16)
    labels = np.where(numbers < 1000, numbers, numbers // 1000).astype(np.uint8)
    frames = [('train', 'aachen', 0), ('train', 'aachen', 1), ('train', 'bochum', 0), ('val', 'lindau', 0)]
    for split, city, frame in frames:
        name = f'{city}_00000{frame}_000019'
        save(root / 'leftImg8bit' / split / city / f'{name}_leftImg8bit.png', noise(frame))
        save(root / 'gtFine' / split / city / f'{name}_gtFine_instanceIds.png', numbers)
        save(root / 'gtFine' / split / city / f'{name}_gtFine_labelIds.png', labels)
    return root


# void, person, the last thing and the first and last stuff of release 1.1
COCO_STUFF = [0, 1, 90, 92, 182]


def draw_coco_stuff10k(root: Path, numbers: tuple = tuple(COCO_STUFF), num_names: int = 183) -> Path:
    """Two training images and a test image, as cocostuff-10k-v1.1.zip has them."""
    for folder in ('images', 'annotations', 'imageLists'):
        (root / folder).mkdir(parents=True)
    for split, names in {'train': ['1', '2'], 'test': ['3']}.items():
        names = [f'COCO_train2014_00000000000{name}' for name in names]
        (root / 'imageLists' / f'{split}.txt').write_text('\n'.join(names) + '\n')
        for name in names:
            save(root / 'images' / f'{name}.jpg', noise())
            classes = np.array([[f'class {i}'] for i in range(num_names)], object)
            content = {'S': stripes(list(numbers), np.uint16), 'names': classes, 'captions': 'An image.'}
            savemat(root / 'annotations' / f'{name}.mat', content)
    return root


# wall, adding machine, the class 1, which is not among the 847, and no class
ADE20K = [2978, 3148, 1, 0]


def ade20k_colors(numbers: np.ndarray) -> np.ndarray:
    """The parts map ``(H, W, 3)``, blue (objects), green, red, of class numbers ``(H, W)``."""
    return np.stack([numbers % 7, numbers % 256, numbers // 256 * 10 + 3], -1).astype(np.uint8)


def draw_ade20k_full(root: Path, scale: int = 1) -> Path:
    """Two training images and one for validation, as ADE20K_2021_17_01.zip has them."""
    index: dict = {'filename': [], 'folder': [], 'objectPresence': np.zeros((3, 3), np.float32)}
    for split, name in [('training', 'train_1'), ('training', 'frame_2'), ('validation', 'val_1')]:
        folder, name = f'images/ADE/{split}/urban/street', f'ADE_{name}'
        colors = ade20k_colors(stripes(ADE20K, np.int64))
        size = (scale * WIDTH, scale * HEIGHT)
        save(root / folder / f'{name}.jpg', cv2.resize(noise(), size))
        save(root / folder / f'{name}_seg.png', cv2.resize(colors, size, interpolation=cv2.INTER_NEAREST))
        index['folder'].append(f'ADE20K_2021_17_01/{folder}')
        index['filename'].append(f'{name}.jpg')
    (root / 'index_ade20k.pkl').write_bytes(pickle.dumps(index))
    return root


# no object, a bed, two windowpanes
THINGS, THING_CLASSES = [0, 1, 2, 3], [0, 1, 2, 2]


def draw_ade20k_instances(root: Path) -> Path:
    """An image of each split, as ADEChallengeData2016.zip and annotations_instance.tar have them."""
    objects, classes = stripes(THINGS), stripes(THING_CLASSES)
    for split in ('training', 'validation'):
        save(root / 'images' / split / 'ADE_1.jpg', noise())
        pixels = np.stack([np.zeros_like(objects), objects, classes], -1)  # blue, green, red
        save(root / 'annotations_instance' / split / 'ADE_1.png', pixels)
    return root


def draw_mapillary(root: Path, folder: str = 'v1.2/labels', name: str = 'config_v1.2.json') -> Path:
    """A training and a validation image, labels as indices of a palette, as Mapillary Vistas has them."""
    from mmseg.datasets import MapillaryDataset_v1

    meta = MapillaryDataset_v1.METAINFO
    for split in ('training', 'validation'):
        save(root / split / 'images' / 'a.jpg', noise())
        path = root / split / folder / 'a.png'
        path.parent.mkdir(parents=True)
        labels = Image.fromarray(stripes([0, 64, 65, 13]))
        labels.putpalette([value for color in meta['palette'] for value in color])
        labels.save(path)
    labels = [{'readable': label, 'color': color} for label, color in zip(meta['classes'], meta['palette'])]
    (root / name).write_text(json.dumps({'version': '1.2', 'labels': labels}))
    return root


# id, category and crowd of void, a road, two cars and a group of persons
VISTAS = [(0, 0, 0), (1, 14, 0), (2, 56, 0), (3, 56, 0), (4, 20, 1)]


def draw_mapillary_panoptic(root: Path) -> Path:
    """A training and a validation image with panoptic files of version 1.2."""
    from mmmaskformer.datasets.categories import load_categories

    ids = stripes([number for number, _, _ in VISTAS])
    keys = ('id', 'category_id', 'iscrowd')
    content = {
        'images': [{'id': 'a', 'file_name': 'a.jpg', 'width': WIDTH, 'height': HEIGHT}],
        'annotations': [
            {
                'image_id': 'a',
                'file_name': 'a.png',
                'segments_info': [dict(zip(keys, segment)) for segment in VISTAS[1:]],
            }
        ],
        'categories': [
            *(
                {'id': c.id, 'name': c.name, 'isthing': c.isthing}
                for c in load_categories('mapillary_panoptic')
            ),
            {'id': 66, 'name': 'Unlabeled', 'isthing': 0},
        ],
    }
    for split in ('training', 'validation'):
        folder = root / split / 'v1.2' / 'panoptic'
        save(root / split / 'images' / 'a.jpg', noise())
        save(folder / 'a.png', np.stack([np.zeros_like(ids), np.zeros_like(ids), ids], -1))
        (folder / 'panoptic_2018.json').write_text(json.dumps(content))
    return root
