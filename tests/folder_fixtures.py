"""Small folders of images and annotations, drawn in the exact files of each format."""

from __future__ import annotations

import base64
import json
import zlib
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


def draw_label_studio(root: Path) -> Drawn:
    """Label Studio's COCO export: ids from 0, backslashes, categories in the order of the alphabet."""
    drawn = scenes()
    for scene in drawn:
        save(root / 'images' / f'1a2b-{scene.stem}.jpg', scene.image)
    content = coco_document(drawn, [f'images\\1a2b-{scene.stem}.jpg' for scene in drawn], first=0)
    content['info'] = dict(contributor='Label Studio')
    save_json(root / 'result.json', content)
    expected = objects(drawn)
    expected.masks = {f'1a2b-{stem}': masks for stem, masks in expected.masks.items()}
    return expected


def draw_cvat_coco(root: Path) -> Drawn:
    """CVAT's COCO export of masks: run lengths that are called crowds."""
    drawn = scenes()
    names = [f'{scene.stem}.png' for scene in drawn]
    for scene, name in zip(drawn, names):
        save(root / 'images' / 'default' / name, scene.image)
    content = coco_document(drawn, names)
    masks = [shape.mask(scene.size) for scene in drawn for shape in scene.shapes]
    for entry, mask in zip(content['annotations'], masks):
        entry.update(segmentation=coco_run_lengths(mask), iscrowd=1)
    save_json(root / 'annotations' / 'instances_default.json', content)
    return objects(drawn)


def draw_labelme(root: Path) -> Drawn:
    """A JSON file beside each image: polygons, a rectangle, a mask, and two polygons of one object."""
    drawn = scenes()
    expected = objects(drawn)
    for scene in drawn:
        save(root / f'{scene.stem}.jpg', scene.image)
        first, second, ring, *rest = scene.shapes
        corners = [first.outline[0], first.outline[2]]
        shapes = [dict(label='car', shape_type='rectangle', points=corners, group_id=None)]
        (x0, y0), (x1, y1) = second.outline[0], second.outline[2]
        for left, right in ((x0, x0 + 4), (x1 - 4, x1)):
            part = rectangle(left, y0, right, y1)
            shapes.append(dict(label='car', shape_type='polygon', points=part, group_id=3))
        halves = second.mask(scene.size)
        halves[:, x0 + 4 : x1 - 4] = False
        expected.masks[scene.stem][1] = (1, halves)
        (x0, y0), (x1, y1) = ring.outline[0], ring.outline[2]
        mask = ring.mask(scene.size)[y0:y1, x0:x1].astype(np.uint8) * 255
        content = base64.b64encode(cv2.imencode('.png', mask)[1].tobytes()).decode()
        corners = [(x0, y0), (x1 - 1, y1 - 1)]
        shapes.append(dict(label='tree', shape_type='mask', points=corners, group_id=None, mask=content))
        shapes += [dict(label='tree', shape_type='polygon', points=shape.outline) for shape in rest]
        height, width = scene.size
        document = dict(version='5.4.1', flags={}, shapes=shapes, imagePath=f'{scene.stem}.jpg')
        document.update(imageData=None, imageHeight=height, imageWidth=width)
        save_json(root / f'{scene.stem}.json', document)
    (root / 'labels.txt').write_text('__ignore__\n_background_\ntree\ncar\n')
    return expected


def draw_cvat(root: Path) -> Drawn:
    """annotations.xml of "CVAT for images": polygons, masks, and the objects in the order of their depth."""
    drawn = scenes()
    lines = []
    for number, scene in enumerate(drawn):
        save(root / 'images' / f'{scene.stem}.png', scene.image)
        height, width = scene.size
        lines.append(f'<image id="{number}" name="{scene.stem}.png" width="{width}" height="{height}">')
        elements = [cvat_element(shape, scene.size, depth) for depth, shape in enumerate(scene.shapes)]
        lines += [*reversed(elements), '</image>']
    labels = ''.join(
        f'<label><name>{name}</name><color>#{r:02x}{g:02x}{b:02x}</color><type>any</type></label>'
        for name, (r, g, b) in zip(CLASSES[:2], COLORS)
    )
    meta = f'<meta><job><labels>{labels}</labels></job></meta>'
    content = f'<annotations><version>1.1</version>{meta}{"".join(lines)}</annotations>'
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{content}'
    (root / 'annotations.xml').write_text(text, encoding='utf-8')
    return objects(drawn)


def cvat_element(shape: Shape, size: tuple[int, int], depth: int) -> str:
    name = CLASSES[shape.label]
    common = f'label="{name}" source="manual" occluded="0" z_order="{depth}"'
    if not shape.holes:
        points = ';'.join(f'{x:.2f},{y:.2f}' for x, y in shape.outline)
        return f'<polygon {common} points="{points}"></polygon>'
    (left, top), (right, bottom) = shape.outline[0], shape.outline[2]
    inside = shape.mask(size)[top:bottom, left:right]
    runs = ', '.join(map(str, coco_run_lengths(np.ascontiguousarray(inside.T))['counts']))
    box = f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
    return f'<mask {common} rle="{runs}" {box}></mask>'


def draw_yolo(root: Path) -> Drawn:
    """data.yaml, and polygons from 0 to 1; holes are joined to the outline by a cut without width."""
    drawn = scenes()
    for place, scene in enumerate(drawn):
        split = 'val' if place > 5 else 'train'
        save(root / 'images' / split / f'{scene.stem}.jpg', scene.image)
        height, width = scene.size
        lines = []
        for shape in scene.shapes:
            corners = [*shape.outline]
            for hole in shape.holes:
                corners += [shape.outline[0], hole[0], *reversed(hole[1:]), hole[0]]
            values = ' '.join(f'{x / width:.9f} {y / height:.9f}' for x, y in corners)
            lines.append(f'{shape.label} {values}')
        path = root / 'labels' / split / f'{scene.stem}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(lines) + '\n')
    text = 'path: /datasets/mine\ntrain: images/train\nval: images/val\nnames:\n  0: tree\n  1: car\n'
    (root / 'data.yaml').write_text(text)
    return objects(drawn)


def draw_supervisely(root: Path) -> Drawn:
    """A project with a data set: polygons with holes, and a bitmap."""
    drawn = scenes()
    kinds = [dict(title=name, shape='any', color='#20c040') for name in CLASSES[:2]]
    save_json(root / 'meta.json', dict(classes=kinds, tags=[]))
    for scene in drawn:
        save(root / 'ds0' / 'img' / f'{scene.stem}.png', scene.image)
        entries = []
        for place, shape in enumerate(scene.shapes):
            entry = dict(classTitle=CLASSES[shape.label])
            if place:
                points = dict(exterior=shape.outline, interior=shape.holes)
                entry.update(geometryType='polygon', points=points)
            else:
                (left, top), (right, bottom) = shape.outline[0], shape.outline[2]
                pixels = np.full((bottom - top, right - left, 4), 255, np.uint8)
                data = zlib.compress(cv2.imencode('.png', pixels)[1].tobytes())
                bitmap = dict(data=base64.b64encode(data).decode(), origin=[left, top])
                entry.update(geometryType='bitmap', bitmap=bitmap)
            entries.append(entry)
        height, width = scene.size
        document = dict(size=dict(height=height, width=width), tags=[], objects=entries)
        save_json(root / 'ds0' / 'ann' / f'{scene.stem}.png.json', document)
    return objects(drawn)


def draw_class_masks(root: Path) -> Drawn:
    """One mask for each class: masks/CLASS/NAME.png."""
    drawn = scenes()
    names = ('background', 'car', 'tree')
    labels = {}
    for scene in drawn:
        save(root / 'images' / f'{scene.stem}.jpg', scene.image)
        labels[scene.stem] = np.zeros(scene.size, np.uint8)
        for place, name in enumerate(names[1:], start=1):
            mask = scene.labels == CLASSES.index(name)
            save(root / 'masks' / name / f'{scene.stem}.png', mask.astype(np.uint8) * 255)
            labels[scene.stem][mask] = place
    return Drawn('semantic', names, labels)


def draw_object_masks(root: Path) -> Drawn:
    """One mask for each object: NAME/images/NAME.png and NAME/masks/*.png."""
    drawn = scenes()
    expected = Drawn('instance', ('object',))
    for scene in drawn:
        save(root / scene.stem / 'images' / f'{scene.stem}.png', scene.image)
        masks = [shape.mask(scene.size) for shape in scene.shapes]
        for place, mask in enumerate(masks):
            name = f'{place:x}{"0123456789abcdef" * 2}.png'
            save(root / scene.stem / 'masks' / name, mask.astype(np.uint8) * 255)
        expected.masks[scene.stem] = [(0, mask) for mask in masks]
    return expected


def voc_palette(number: int) -> tuple[int, int, int]:
    """Pascal VOC's color of a number: its bits in threes, from the highest bit of each channel on."""
    color = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            color[channel] |= (number >> (3 * bit + channel) & 1) << (7 - bit)
    return tuple(color)


def draw_voc(root: Path) -> Drawn:
    """Pascal VOC: palette PNGs of classes and objects, 255 around the objects, and lists of the splits."""
    drawn = scenes()
    lists: dict[str, list[str]] = {'train': [], 'val': []}
    colors = {number: voc_palette(number) for number in range(256)}
    names = ('background', *VOC_CLASSES)
    expected = Drawn('panoptic', names)
    for place, scene in enumerate(drawn):
        classes, numbers = np.zeros((2, *scene.size), np.uint8)
        for number, shape in enumerate(scene.shapes, start=1):
            mask = shape.mask(scene.size)
            classes[mask], numbers[mask] = (
                (names.index('car'), names.index('sheep'))[shape.label == 0],
                number,
            )
        classes[-1] = numbers[-1] = VOID
        save(root / 'JPEGImages' / f'{scene.stem}.jpg', scene.image)
        save_palette(root / 'SegmentationClass' / f'{scene.stem}.png', classes, colors)
        save_palette(root / 'SegmentationObject' / f'{scene.stem}.png', numbers, colors)
        lists['val' if place > 5 else 'train'].append(scene.stem)
        found = [(int(classes[numbers == n][0]), numbers == n) for n in range(len(scene.shapes) + 1)]
        expected.masks[scene.stem] = found
    for split, stems in lists.items():
        path = root / 'ImageSets' / 'Segmentation' / f'{split}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(stems), encoding='utf-8')
    return expected


VOC_CLASSES = (
    'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow', 'diningtable',
    'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor',
)  # fmt: skip


def draw_voc_colors(root: Path) -> Drawn:
    """CVAT's segmentation masks: the folders of Pascal VOC, colors, and labelmap.txt."""
    drawn = scenes()
    palette = np.array([*COLORS, (0, 0, 0)], np.uint8)
    for scene in drawn:
        save(root / 'JPEGImages' / f'{scene.stem}.png', scene.image)
        colors = palette[np.minimum(scene.labels, 3)]
        save(root / 'SegmentationClass' / f'{scene.stem}.png', colors[..., ::-1])
    path = root / 'ImageSets' / 'Segmentation' / 'default.txt'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(scene.stem for scene in drawn), encoding='utf-8')
    lines = [f'{name}:{r},{g},{b}::' for name, (r, g, b) in zip(CLASSES, COLORS)]
    text = '\n'.join(['# label:color_rgb:parts:actions', *lines, 'unlabeled:0,0,0::'])
    (root / 'labelmap.txt').write_text(text)
    return semantic(drawn)


FIXTURES: dict[str, Callable[[Path], Drawn]] = {
    'label maps': draw_indexed,
    'label maps from 1, 16 bits': draw_counted_from_one,
    'label maps with palette': draw_palette,
    'label maps of colors': draw_colors,
    'masks 0 and 255': draw_masks,
    'coco instance': draw_coco_instance,
    'coco panoptic': draw_coco_panoptic,
    'label studio coco': draw_label_studio,
    'cvat coco': draw_cvat_coco,
    'cvat': draw_cvat,
    'labelme': draw_labelme,
    'yolo': draw_yolo,
    'supervisely': draw_supervisely,
    'one mask for each class': draw_class_masks,
    'one mask for each object': draw_object_masks,
    'pascal voc': draw_voc,
    'cvat segmentation mask': draw_voc_colors,
}


def draw_fixture(name: str, folder: Path) -> Drawn:
    """Draw a folder of a format (a key of `FIXTURES`); what it should be read as."""
    folder.mkdir(parents=True, exist_ok=True)
    return FIXTURES[name](folder)
