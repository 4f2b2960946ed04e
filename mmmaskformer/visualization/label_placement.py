"""Labels: where they fit inside their segments, and how they are written."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .fonts import for_pillow, get_font

Window = tuple[slice, slice]
SMALLEST_LETTERS = 10
OUTLINE = 2
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


class Label(NamedTuple):
    """A text with its center, in pixels of the image, and the size of its letters."""

    text: str
    x: int
    y: int
    size: int


def measure(text: str, size: int) -> tuple[int, int]:
    """Width and height of a text with its outline."""
    font = get_font(text, size)
    left, top, right, bottom = font.getbbox(for_pillow(text), anchor='lt', stroke_width=OUTLINE)
    return int(np.ceil(right - left)), int(np.ceil(bottom - top))


def write_labels(image: np.ndarray, labels: Sequence[Label]) -> np.ndarray:
    """Write labels in white with a black outline; returns a new image (H, W, 3)."""
    if not labels:
        return image
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    for text, x, y, size in labels:
        width, height = measure(text, size)
        corner = (x - width // 2 + OUTLINE, y - height // 2 + OUTLINE)
        style: dict[str, Any] = dict(anchor='lt', stroke_width=OUTLINE, stroke_fill=BLACK)
        draw.text(corner, for_pillow(text), WHITE, get_font(text, size), **style)
    return np.asarray(canvas)


def place_labels(
    regions: Sequence[tuple[Window, np.ndarray, str]], writable: np.ndarray, size: int
) -> list[Label]:
    """Find places for the texts of regions; a text without a place is left out.

    A text lies inside its region, in smaller letters if necessary. If the smallest do not fit, but the region
    is as thick as their height, the center of the text lies inside and its ends on other writable pixels.
    Texts never touch each other.

    Args:
        regions: Window of each region in the image, its pixels within the window (h, w) bool, and its text;
            the most important first.
        writable: Pixels that labels may cover, (H, W) bool.
        size: Size of letters where there is enough space.
    """
    free = writable.copy()
    labels: list[Label] = []
    for place in (place_inside, place_across):
        unplaced = []
        for window, mask, text in regions:
            label = place(mask & free[window], text, size, window, free) if text else None
            if label is None:
                unplaced.append((window, mask, text))
            else:
                free[box_of(label)] = False
                labels.append(label)
        regions = unplaced
    return labels


def box_of(label: Label) -> Window:
    """Rows and columns that a label's text and outline cover."""
    width, height = measure(label.text, label.size)
    top, left = label.y - height // 2, label.x - width // 2
    return slice(top, top + height), slice(left, left + width)


def place_inside(
    mask: np.ndarray, text: str, size: int, window: Window, free: np.ndarray | None = None
) -> Label | None:
    """The label wholly inside the mask, in letters of at most this size, or None if it does not fit."""
    width, height = (length + 2 for length in measure(text, size))
    box = largest_box(mask, width / height, enough=height)
    if box is None:
        return None
    x, y, box_height = box
    fitting = min(size, int(size * box_height / height))
    while fitting >= SMALLEST_LETTERS:
        label = Label(text, window[1].start + x, window[0].start + y, fitting)
        rows, columns = box_of(label)
        top, left = rows.start - window[0].start, columns.start - window[1].start
        inside = mask[
            max(top, 0) : rows.stop - window[0].start, max(left, 0) : columns.stop - window[1].start
        ]
        if inside.shape == (rows.stop - rows.start, columns.stop - columns.start) and inside.all():
            return label
        fitting -= 1
    return None


def place_across(mask: np.ndarray, text: str, size: int, window: Window, free: np.ndarray) -> Label | None:
    """The label in the smallest letters, its center deep inside the mask, not touching other labels."""
    size = min(size, SMALLEST_LETTERS)
    depth = _depth(mask, cv2.DIST_L2)
    if 2 * depth.max(initial=0) < size:
        return None
    width, height = measure(text, size)
    top, left = window[0].start, window[1].start
    around = np.pad(free, ((height,), (width,)))[
        top : window[0].stop + 2 * height, left : window[1].stop + 2 * width
    ]
    fits = cv2.erode(around.astype(np.uint8), np.ones((height, width), dtype=np.uint8))
    depth = depth * fits[height:-height, width:-width]
    if 2 * depth.max() < size:
        return None
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return Label(text, left + int(x), top + int(y), size)


def largest_box(mask: np.ndarray, aspect: float, enough: float) -> tuple[int, int, float] | None:
    """Center (x, y) and height of the largest upright box of this shape inside the mask.

    The mask is resized so that the box becomes a square: the chessboard distance to the nearest pixel outside
    is then half of its side. Among places for boxes higher than ``enough``, the one nearest to the center of
    the mask is taken.

    Args:
        mask: (H, W) bool.
        aspect: Width of the box by its height.
        enough: Height of the box that suffices.

    Returns:
        None if no box of one row fits.
    """
    height, width = mask.shape
    squeezed_width = max(1, round(width / aspect))
    squeezed = cv2.resize(mask.astype(np.float32), (squeezed_width, height), interpolation=cv2.INTER_AREA)
    depth = np.minimum(_depth(squeezed > 0.999, cv2.DIST_C), (enough + 1) / 2 * 1.4)
    if not depth.any():
        return None
    rows, columns = np.nonzero(depth > depth.max() - 0.5)
    xs = (columns + 0.5) * width / squeezed_width
    middle_y, middle_x = (places.mean() for places in np.nonzero(mask))
    nearest = int(np.hypot(xs - middle_x, rows - middle_y).argmin())
    return int(xs[nearest]), int(rows[nearest]), float(2 * depth.max() - 1)


def _depth(mask: np.ndarray, metric: int) -> np.ndarray:
    """Distance of each pixel to the nearest pixel outside of the mask, or to the edge of the image."""
    padded = np.pad(mask.astype(np.uint8), 1)
    return cv2.distanceTransform(padded, metric, 3 if metric == cv2.DIST_C else 5)[1:-1, 1:-1]
