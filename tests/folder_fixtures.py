"""Small folders of images and annotations, drawn in the exact files of each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

CLASSES = ('tree', 'car', 'road')  # not in the order of the alphabet
COLORS = ((20, 110, 50), (30, 50, 180), (120, 80, 140))
VOID = 255
STEMS = ('a 1', 'bäume_2', 'c.3', 'd-4', 'e5', 'f6', 'g7', 'h8')


@dataclass
class Shape:
    """An object: a rectangle, an L, or a ring.

    Attributes:
        label: Index of its class.
        outline: Corners (x, y) around it.
        holes: Corners of what is cut out.
    """

    label: int
    outline: list[tuple[int, int]]
    holes: list[list[tuple[int, int]]] = field(default_factory=list)

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Its pixels: those whose center is inside."""
        inside = _inside(self.outline, shape)
        for hole in self.holes:
            inside &= ~_inside(hole, shape)
        return inside


@dataclass
class Scene:
    """An image with its objects; pixels of none are road, and the last row belongs to no class."""

    stem: str
    size: tuple[int, int]
    shapes: list[Shape]

    @property
    def labels(self) -> np.ndarray:
        """``(H, W)`` uint8: index of the class, 255 for none; later objects cover earlier ones."""
        labels = np.full(self.size, CLASSES.index('road'), np.uint8)
        for shape in self.shapes:
            labels[shape.mask(self.size)] = shape.label
        labels[-1] = VOID
        return labels

    @property
    def image(self) -> np.ndarray:
        """``(H, W, 3)`` uint8 BGR: the colors of the classes with noise."""
        palette = np.array([*COLORS, (0, 0, 0)])[:, ::-1]
        noise = np.random.RandomState(len(self.stem)).randint(-15, 15, (*self.size, 3))
        return (palette[np.minimum(self.labels, len(CLASSES))] + noise).clip(0, 255).astype(np.uint8)


def _inside(corners: list[tuple[int, int]], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose center is inside a polygon, by counting the edges to their left."""
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]]):
        if y0 != y1:
            crosses = (min(y0, y1) < ys) & (ys < max(y0, y1))
            inside ^= crosses & (x0 + (ys - y0) / (y1 - y0) * (x1 - x0) < xs)
    return inside


def rectangle(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def scenes(number: int = len(STEMS)) -> list[Scene]:
    """Scenes with two cars, a tree with a hole and, in every other one, an L of a tree."""
    found = []
    for place, stem in enumerate(STEMS[:number]):
        size = (48, 64) if place % 3 else (64, 48)
        step = place % 5
        shapes = [
            Shape(1, rectangle(2 + step, 3, 14 + step, 11)),
            Shape(1, rectangle(22, 5 + step, 34, 15 + step)),
            Shape(0, rectangle(4, 22 + step, 24, 40), [rectangle(10, 28 + step, 16, 34)]),
        ]
        if place % 2:
            shapes.append(Shape(0, [(28, 24), (44, 24), (44, 30), (34, 30), (34, 42), (28, 42)]))
        found.append(Scene(stem, size, shapes))
    return found


@dataclass
class Drawn:
    """What a fixture should be read as.

    Attributes:
        task: The task it allows.
        classes: Names in order.
        labels: For semantic formats: by stem of the image, the label map as training gets it.
        masks: For other formats: by stem, index of the class and mask of each segment.
    """

    task: str
    classes: tuple[str, ...] = CLASSES
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    masks: dict[str, list[tuple[int, np.ndarray]]] = field(default_factory=dict)


def save(path: Path, pixels: np.ndarray) -> None:
    """Write an image; OpenCV's BGR."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def save_palette(path: Path, labels: np.ndarray, colors: dict[int, tuple]) -> None:
    """Write a PNG with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    palette = np.zeros((256, 3), np.uint8)
    for value, color in colors.items():
        palette[value] = color
    image.putpalette(palette.ravel().tolist())
    image.save(path)


def save_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')


def semantic(drawn: list[Scene]) -> Drawn:
    return Drawn('semantic', labels={scene.stem: scene.labels for scene in drawn})


def objects(drawn: list[Scene], classes: tuple[str, ...] = CLASSES[:2]) -> Drawn:
    masks = {s.stem: [(shape.label, shape.mask(s.size)) for shape in s.shapes] for s in drawn}
    return Drawn('instance', classes, masks=masks)


def draw_indexed(root: Path) -> Drawn:
    """Label maps with splits, and the names in classes.txt."""
    drawn = scenes()
    for place, scene in enumerate(drawn):
        split = 'val' if place > 5 else 'train'
        save(root / 'images' / split / f'{scene.stem}.jpg', scene.image)
        save(root / 'labels' / split / f'{scene.stem}.png', scene.labels)
    (root / 'classes.txt').write_text('\n'.join(CLASSES) + '\n')
    return semantic(drawn)


def draw_counted_from_one(root: Path) -> Drawn:
    """16 bits, classes from 1 and 0 for none, in folders inside those of the splits."""
    drawn = scenes()
    for place, scene in enumerate(drawn):
        split = 'validation' if place > 5 else 'training'
        save(root / split / 'img' / f'{scene.stem}.png', scene.image)
        numbers = np.where(scene.labels == VOID, 0, scene.labels.astype(np.uint16) + 1).astype(np.uint16)
        save(root / split / 'mask' / f'{scene.stem}.png', numbers)
    (root / 'class_names.txt').write_text('\n'.join(CLASSES))
    return semantic(drawn)


def draw_palette(root: Path) -> Drawn:
    """PNGs with a palette beside the images, and numbers in a CSV file, as Roboflow writes them."""
    drawn = scenes()
    numbers = np.full(256, 0, np.uint8)
    numbers[:3] = 1, 5, 9
    for place, scene in enumerate(drawn):
        split = 'valid' if place > 5 else 'train'
        save(root / split / f'{scene.stem}.jpg', scene.image)
        colors = dict(zip((1, 5, 9), COLORS))
        save_palette(root / split / f'{scene.stem}_mask.png', numbers[scene.labels], colors)
    rows = ['Pixel Value, Class', '0, unlabeled', '9, road', '1, tree', '5, car']
    for split in ('train', 'valid'):
        (root / split / '_classes.csv').write_text('\n'.join(rows))
    return semantic(drawn)


def draw_colors(root: Path) -> Drawn:
    """Colors, as CamVid's own files have them: ``NAME_L.png`` and class_dict.csv."""
    drawn = scenes()
    for place, scene in enumerate(drawn):
        split = 'val' if place > 5 else 'train'
        save(root / split / f'{scene.stem}.png', scene.image)
        colors = np.array([*COLORS, (0, 0, 0)], np.uint8)[np.minimum(scene.labels, 3)]
        save(root / f'{split}_labels' / f'{scene.stem}_L.png', colors[..., ::-1])
    rows = ['name,r,g,b', *(f'{name},{r},{g},{b}' for name, (r, g, b) in zip(CLASSES, COLORS)), 'Void,0,0,0']
    (root / 'class_dict.csv').write_text('\n'.join(rows))
    return semantic(drawn)


def draw_masks(root: Path) -> Drawn:
    """Masks of one object class, 0 and 255, without splits and names."""
    drawn = scenes()
    labels = {scene.stem: (scene.labels == 0).astype(np.uint8) for scene in drawn}
    for scene in drawn:
        save(root / 'imgs' / f'{scene.stem}.jpg', scene.image)
        save(root / 'masks' / f'{scene.stem}_mask.png', labels[scene.stem] * 255)
    return Drawn('semantic', ('background', 'object'), labels)


def coco_categories(first: int = 1) -> list[dict]:
    return [dict(id=first + place, name=name, supercategory='') for place, name in enumerate(CLASSES[:2])]


def polygon(corners: list[tuple[int, int]]) -> list[int]:
    return [int(value) for corner in corners for value in corner]


def coco_run_lengths(mask: np.ndarray) -> dict:
    """Run lengths down the columns, zeros first."""
    flat = mask.ravel('F')
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flat.view(np.uint8), [2]])))
    return dict(size=list(mask.shape), counts=np.diff([0, *changes.tolist()]).tolist())


def coco_document(drawn: list[Scene], names: list[str], first: int = 1) -> dict:
    """Objects as polygons, those with holes as run lengths."""
    images, annotations = [], []
    for number, (scene, name) in enumerate(zip(drawn, names), start=first):
        height, width = scene.size
        images.append(dict(id=number, file_name=name, height=height, width=width))
        for shape in scene.shapes:
            mask = shape.mask(scene.size)
            outline = coco_run_lengths(mask) if shape.holes else [polygon(shape.outline)]
            annotations.append(
                dict(
                    id=len(annotations) + first,
                    image_id=number,
                    category_id=first + shape.label,
                    segmentation=outline,
                    area=int(mask.sum()),
                    iscrowd=0,
                )
            )
    return dict(images=images, annotations=annotations, categories=coco_categories(first))


def draw_coco_instance(root: Path) -> Drawn:
    """COCO's folders and file names."""
    drawn = scenes()
    for split, part in (('train', drawn[:6]), ('val', drawn[6:])):
        names = [f'{scene.stem}.jpg' for scene in part]
        for scene, name in zip(part, names):
            save(root / f'{split}2017' / name, scene.image)
        save_json(root / 'annotations' / f'instances_{split}2017.json', coco_document(part, names))
    return objects(drawn)


def draw_coco_panoptic(root: Path) -> Drawn:
    """COCO's panoptic files: an id for each object, one for the road."""
    drawn = scenes()
    expected = Drawn('panoptic')
    categories = [
        dict(id=7 - place, name=name, isthing=int(name != 'road'), color=list(COLORS[place]))
        for place, name in enumerate(CLASSES)
    ]
    for split, part in (('train', drawn[:6]), ('val', drawn[6:])):
        images, annotations = [], []
        for number, scene in enumerate(part, start=1):
            ids = np.zeros((*scene.size, 3), np.uint8)
            segments, masks = [], []
            regions = [(2, np.ones(scene.size, bool)), *((s.label, s.mask(scene.size)) for s in scene.shapes)]
            for place, (label, mask) in enumerate(regions, start=1):
                covered = mask & (np.arange(scene.size[0]) < scene.size[0] - 1)[:, None]
                ids[covered] = 0, place, 0  # green: 256 times its place
                segments.append(dict(id=256 * place, category_id=7 - label, iscrowd=0))
            for place, (label, _) in enumerate(regions, start=1):
                masks.append((label, ids[..., 1] == place))
            name = f'{scene.stem}.png'
            save(root / f'{split}2017' / f'{scene.stem}.jpg', scene.image)
            save(root / 'annotations' / f'panoptic_{split}2017' / name, ids[..., ::-1])
            height, width = scene.size
            images.append(dict(id=number, file_name=f'{scene.stem}.jpg', height=height, width=width))
            annotations.append(dict(image_id=number, file_name=name, segments_info=segments))
            expected.masks[scene.stem] = masks
        content = dict(images=images, annotations=annotations, categories=categories)
        save_json(root / 'annotations' / f'panoptic_{split}2017.json', content)
    return expected


FIXTURES: dict[str, Callable[[Path], Drawn]] = {
    'label maps': draw_indexed,
    'label maps from 1, 16 bits': draw_counted_from_one,
    'label maps with palette': draw_palette,
    'label maps of colors': draw_colors,
    'masks 0 and 255': draw_masks,
    'coco instance': draw_coco_instance,
    'coco panoptic': draw_coco_panoptic,
}


def draw_fixture(name: str, folder: Path) -> Drawn:
    """Draw a folder of a format (a key of `FIXTURES`); what it should be read as."""
    folder.mkdir(parents=True, exist_ok=True)
    return FIXTURES[name](folder)
