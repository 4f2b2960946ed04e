"""Painting segments over an image: colors per class shaded per instance, contours, labels."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from .colors import class_colors, line_color, shade, to_rgb
from .label_placement import SMALLEST_LETTERS, place_labels, write_labels
from .shapes import Shape, cut_ids, cut_masks, enlarge

Palette = Sequence[Sequence[int]] | None
THIN_VOID = np.ones((5, 5), dtype=np.uint8)
LARGEST_LETTERS = 28


def paint_panoptic(
    image: np.ndarray,
    ids: np.ndarray,
    segments_info: Sequence[dict[str, Any]],
    classes: Sequence[str],
    palette: Palette = None,
    alpha: float = 0.6,
    with_labels: bool = True,
    scale: int = 1,
) -> np.ndarray:
    """Paint the segments of an id map over an image; pixels without a segment keep their color.

    Args:
        image: The image, (H, W, 3) RGB or anything else that `to_rgb` takes.
        ids: Segment of every pixel, (H, W), or (L, H, W) where segments overlap; 0 is void.
        segments_info: ``id``, ``category_id`` (index into ``classes``), and optionally ``isthing`` and
            ``iscrowd`` of every segment.
        classes: Names of the classes.
        palette: Their colors (red, green, blue), or None for `default_palette`.
        alpha: Opacity of the colors, from 0 to 1.
        with_labels: Whether class names are written into the segments.
        scale: Integer factor of enlargement, before contours and labels are drawn.

    Returns:
        (scale * H, scale * W, 3) uint8 RGB.

    Raises:
        ValueError: Sizes do not fit, an id or a class is unknown, or the palette is too short.
    """
    image = to_rgb(image)
    layers = ids[None] if ids.ndim == 2 else ids
    _check_size(image, layers.shape[1:], 'id map')
    colors = class_colors(classes, palette)
    shapes = [shape for layer in layers for shape in cut_ids(layer, segments_info, classes)]
    writable = cv2.morphologyEx(layers.any(axis=0).astype(np.uint8), cv2.MORPH_CLOSE, THIN_VOID).astype(bool)
    return _paint(image, shapes, writable, colors, alpha, with_labels, scale)


def paint_semantic(
    image: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    palette: Palette = None,
    alpha: float = 0.6,
    with_labels: bool = True,
    scale: int = 1,
) -> np.ndarray:
    """Paint a map (H, W) of class indices like :func:`paint_panoptic`; other values are void."""
    labels = labels.astype(np.int64)
    ids = np.where((labels >= 0) & (labels < len(classes)), labels + 1, 0)
    info = [{'id': number + 1, 'category_id': number, 'isthing': False} for number in range(len(classes))]
    return paint_panoptic(image, ids, info, classes, palette, alpha, with_labels, scale)


def paint_instances(
    image: np.ndarray,
    labels: np.ndarray,
    masks: np.ndarray,
    classes: Sequence[str],
    palette: Palette = None,
    alpha: float = 0.6,
    scores: np.ndarray | None = None,
    with_labels: bool = True,
    scale: int = 1,
) -> np.ndarray:
    """Paint masks that may overlap, small ones over large ones.

    Args:
        image: As for :func:`paint_panoptic`.
        labels: Class of each mask (N,).
        masks: Pixels of each instance (N, H, W) bool.
        classes: Names of the classes.
        palette: Their colors.
        alpha: Opacity of the colors.
        scores: Confidence of each instance (N,), written beside its class, if given.
        with_labels: Whether class names are written into the instances.
        scale: Enlargement.
    """
    image = to_rgb(image)
    if len(masks):
        _check_size(image, masks.shape[1:], 'masks')
    colors = class_colors(classes, palette)
    shapes = list(cut_masks(labels, masks, scores, classes))
    writable = np.ones(image.shape[:2], dtype=bool)
    return _paint(image, shapes, writable, colors, alpha, with_labels, scale)


def _check_size(image: np.ndarray, size: tuple[int, ...], name: str) -> None:
    if image.shape[:2] != tuple(size):
        raise ValueError(
            f'The image is {image.shape[1]}x{image.shape[0]} pixels, but its {name} '
            f'{size[1]}x{size[0]}: resize one of them.'
        )


def _paint(
    image: np.ndarray,
    shapes: Sequence[Shape],
    writable: np.ndarray,
    colors: np.ndarray,
    alpha: float,
    with_labels: bool,
    scale: int,
) -> np.ndarray:
    """Fills, then contours, then labels; large shapes lie below small ones."""
    if scale > 1:
        size = (image.shape[1] * scale, image.shape[0] * scale)
        image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        writable = enlarge(writable, scale)
        shapes = [shape.enlarged(scale) for shape in shapes]
    shapes = sorted(shapes, key=lambda shape: -int(shape.mask.sum()))
    on_top = np.zeros(image.shape[:2], dtype=np.int32)
    for number, shape in enumerate(shapes, start=1):
        on_top[shape.window][shape.mask] = number
    painted = _fill(image, shapes, on_top, colors, alpha)
    if not with_labels:
        return painted
    regions = [
        (shape.window, on_top[shape.window] == number, shape.text)
        for number, shape in enumerate(shapes, start=1)
    ]
    letters = int(np.clip(min(image.shape[:2]) / 20, SMALLEST_LETTERS, LARGEST_LETTERS))
    return write_labels(painted, place_labels(regions, writable, letters))


def _fill(
    image: np.ndarray, shapes: Sequence[Shape], on_top: np.ndarray, colors: np.ndarray, alpha: float
) -> np.ndarray:
    """Colors and contours; ``on_top`` (H, W) is the shape seen at every pixel, counted from 1, or 0."""
    shades = _shade(shapes, colors)
    covered = on_top > 0
    fill = np.array([(0, 0, 0), *shades], dtype=np.float32)[on_top[covered]]
    painted = image.copy()
    painted[covered] = np.round((1 - alpha) * image[covered] + alpha * fill)
    thickness = max(1, round(min(image.shape[:2]) / 600))
    for shape, color in zip(shapes, shades):
        painted[shape.window][shape.contour(thickness)] = line_color(color)
    return painted


def _shade(shapes: Sequence[Shape], colors: np.ndarray) -> list[tuple[int, int, int]]:
    """Color of every shape; things of one class are counted from left to right, so neighbors differ."""
    places = [(shape.window[1].start + shape.window[1].stop, shape.window[0].start) for shape in shapes]
    shaded: list[tuple[int, int, int]] = [(0, 0, 0)] * len(shapes)
    counts: dict[int, int] = {}
    for index in sorted(range(len(shapes)), key=places.__getitem__):
        shape = shapes[index]
        number = counts.get(shape.category, 0) if shape.isthing else 0
        counts[shape.category] = number + 1
        shaded[index] = shade(colors[shape.category], number)
    return shaded
