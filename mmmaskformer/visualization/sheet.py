"""Pictures side by side, each under its title."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .lettering import get_font

GAP = 6
TITLE = 24
INK, PAPER = (30, 30, 30), (255, 255, 255)
MOST_IN_A_ROW = 3
LEGEND_LINE = 26
LETTERS = 15


def add_title(picture: np.ndarray, title: str) -> np.ndarray:
    """The picture (H, W, 3) below its title, in smaller letters where it is narrow, or none at all."""
    image = Image.new('RGB', (picture.shape[1], picture.shape[0] + TITLE), PAPER)
    image.paste(Image.fromarray(picture), (0, TITLE))
    sizes = [size for size in range(15, 6, -1) if get_font(size).getlength(title) <= picture.shape[1] - 2]
    if sizes:
        ImageDraw.Draw(image).text((2, TITLE // 2), title, INK, get_font(sizes[0]), anchor='lm')
    return np.asarray(image)


def arrange(pictures: Sequence[np.ndarray], columns: int | None = None) -> np.ndarray:
    """Pictures of one size in rows of ``columns``, by default one row, or two of many; (H, W, 3)."""
    if columns is None:
        columns = len(pictures) if len(pictures) <= MOST_IN_A_ROW else -(-len(pictures) // 2)
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def draw_legend(entries: Sequence[tuple[str, Sequence[int]]], width: int) -> Image.Image:
    """Names and their colours (red, green, blue), in as many lines as this width needs."""
    places = _layout_legend([name for name, _ in entries], width)
    legend = Image.new('RGB', (width, (places[-1][1] + 1) * LEGEND_LINE + GAP), PAPER)
    draw = ImageDraw.Draw(legend)
    for (left, number), (name, colour) in zip(places, entries, strict=True):
        y = number * LEGEND_LINE + 5
        draw.rectangle((left, y, left + 22, y + 15), fill=tuple(colour), outline=INK)
        draw.text((left + 28, y - 1), name, fill=INK, font=get_font(LETTERS))
    return legend


def _layout_legend(names: Sequence[str], sheet_width: int) -> list[tuple[int, int]]:
    """Left edge and line of every legend entry, wrapped at the sheet's width."""
    places: list[tuple[int, int]] = []
    left, line = GAP, 0
    for name in names:
        entry = 28 + int(get_font(LETTERS).getlength(name)) + 18
        if left > GAP and left + entry > sheet_width:
            left, line = GAP, line + 1
        places.append((left, line))
        left += entry
    return places
