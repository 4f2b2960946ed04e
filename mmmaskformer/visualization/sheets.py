"""Sheets: titled panels side by side, a legend of the classes, and what the queries of a model do."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .fonts import for_pillow, get_font, legible, legible_names

GAP = 6
TITLE = 24
INK, PAPER = (30, 30, 30), (255, 255, 255)
MAX_COLUMNS = 3
LEGEND_LINE = 26
LETTERS = 15
TILE_WIDTH = 176
BAR_HEIGHT = 14
NO_OBJECT = (225, 225, 225)
COLUMNS = 6


def add_title(panel: np.ndarray, title: str) -> np.ndarray:
    """The panel (H, W, 3) below its title, in smaller letters or without a title if it is narrow."""
    image = Image.new('RGB', (panel.shape[1], panel.shape[0] + TITLE), PAPER)
    image.paste(Image.fromarray(panel), (0, TITLE))
    title = legible(title)
    fonts = [get_font(title, size) for size in range(15, 6, -1)]
    fitting = [font for font in fonts if font.getlength(for_pillow(title)) <= panel.shape[1] - 2]
    if fitting:
        ImageDraw.Draw(image).text((2, TITLE // 2), for_pillow(title), INK, fitting[0], anchor='lm')
    return np.asarray(image)


def arrange(panels: Sequence[np.ndarray], columns: int | None = None) -> np.ndarray:
    """Panels of one size in rows of ``columns``, by default one row, or two for many panels; (H, W, 3)."""
    if columns is None:
        columns = len(panels) if len(panels) <= MAX_COLUMNS else -(-len(panels) // 2)
    height, width = panels[0].shape[:2]
    rows = -(-len(panels) // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, dtype=np.uint8)
    for index, panel in enumerate(panels):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = panel
    return sheet


def draw_legend(entries: Sequence[tuple[str, Sequence[int]]], width: int) -> Image.Image:
    """Names and their colors (red, green, blue), wrapped to lines of this width.

    The entries begin with the classes, in their order: ``class 7`` replaces a name that no font has.
    """
    names = legible_names(tuple(name for name, _ in entries))
    places = _layout_legend(names, width)
    legend = Image.new('RGB', (width, (places[-1][1] + 1) * LEGEND_LINE + GAP), PAPER)
    draw = ImageDraw.Draw(legend)
    for (left, number), name, (_, color) in zip(places, names, entries, strict=True):
        y = number * LEGEND_LINE + 5
        draw.rectangle((left, y, left + 22, y + 15), fill=tuple(color), outline=INK)
        draw.text((left + 28, y - 1), for_pillow(name), fill=INK, font=get_font(name, LETTERS))
    return legend


def _layout_legend(names: Sequence[str], sheet_width: int) -> list[tuple[int, int]]:
    """Left edge and line of every legend entry, wrapped at the sheet's width."""
    places: list[tuple[int, int]] = []
    left, line = GAP, 0
    for name in names:
        entry = 28 + int(get_font(name, LETTERS).getlength(for_pillow(name))) + 18
        if left > GAP and left + entry > sheet_width:
            left, line = GAP, line + 1
        places.append((left, line))
        left += entry
    return places


class QueryTile(NamedTuple):
    """A query.

    Attributes:
        title: Title above its heat map.
        heat: Mean mask ``(h, w)`` in [0, 1].
        class_prob: Mean probability of each class and of no-object, ``(K + 1,)``.
    """

    title: str
    heat: np.ndarray
    class_prob: np.ndarray


def draw_query_sheet(
    tiles: Sequence[QueryTile], classes: Sequence[str], palette: Sequence[Sequence[int]]
) -> Image.Image:
    """A tile for each query: title, heat map from black (0) to yellow (1), and a bar of its classes.

    The bar's length is one; classes have their colors and no-object is gray.

    Raises:
        ValueError: There are no queries, or the palette does not fit the classes.
    """
    if not tiles:
        raise ValueError('There are no queries to draw.')
    if len(classes) != len(palette):
        raise ValueError(f'palette has {len(palette)} colors for {len(classes)} classes; give one for each.')
    colors = np.array([*palette, NO_OBJECT], dtype=np.uint8)
    sheet = arrange([_draw_tile(tile, colors) for tile in tiles], min(COLUMNS, len(tiles)))
    legend = draw_legend([*zip(classes, palette), ('no object', NO_OBJECT)], sheet.shape[1])
    image = Image.new('RGB', (sheet.shape[1], sheet.shape[0] + legend.height), PAPER)
    image.paste(Image.fromarray(sheet), (0, 0))
    image.paste(legend, (0, sheet.shape[0]))
    return image


def _draw_tile(tile: QueryTile, colors: np.ndarray) -> np.ndarray:
    height = round(TILE_WIDTH * tile.heat.shape[0] / tile.heat.shape[1])
    gray = np.rint(np.clip(tile.heat, 0, 1) * 255).astype(np.uint8)
    heat = cv2.applyColorMap(cv2.resize(gray, (TILE_WIDTH, height)), cv2.COLORMAP_INFERNO)[..., ::-1]
    bar = np.repeat(_bar(tile.class_prob, colors)[None], BAR_HEIGHT, axis=0)
    return add_title(np.concatenate([np.ascontiguousarray(heat), bar]), tile.title)


def _bar(class_prob: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """One row of pixels ``(TILE_WIDTH, 3)``, the most probable class first and no-object last."""
    order = [*np.argsort(-class_prob[:-1], kind='stable'), len(class_prob) - 1]
    ends = np.cumsum(class_prob[order]) / class_prob.sum()
    places = (np.arange(TILE_WIDTH) + 0.5) / TILE_WIDTH
    return colors[np.array(order)[np.minimum(np.searchsorted(ends, places), len(order) - 1)]]
