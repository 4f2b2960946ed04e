"""Small folders of images and annotations, drawn in the exact files of each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coco_folders import draw_coco_instance, draw_coco_panoptic, draw_cvat_coco, draw_label_studio
from folder_scenes import Drawn
from label_map_folders import (
    draw_class_masks,
    draw_colors,
    draw_counted_from_one,
    draw_indexed,
    draw_masks,
    draw_object_masks,
    draw_palette,
)
from outline_folders import draw_cvat, draw_labelme, draw_supervisely, draw_yolo
from voc_folders import draw_voc, draw_voc_colors

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
