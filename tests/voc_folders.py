"""Folders in the layout of Pascal VOC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from folder_scenes import CLASSES, COLORS, VOID, Drawn, save, save_palette, scenes, semantic


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
