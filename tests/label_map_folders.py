"""Folders of label maps and masks, in the exact files of each tool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from folder_scenes import CLASSES, COLORS, VOID, Drawn, save, save_palette, scenes, semantic


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
