"""Folders of outlines: Labelme, CVAT, YOLO and Supervisely."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import cv2
import numpy as np
from coco_folders import coco_run_lengths
from folder_scenes import CLASSES, COLORS, Drawn, Shape, objects, rectangle, save, save_json, scenes


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
