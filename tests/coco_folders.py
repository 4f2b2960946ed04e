"""Folders with COCO's files, as COCO, Label Studio and CVAT write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from folder_scenes import CLASSES, COLORS, Drawn, Scene, objects, save, save_json, scenes


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
