"""Panels: rows of picture | truth | prediction | errors, with a legend of the classes."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

COLUMNS = ('picture', 'truth', 'prediction', 'errors')
INK, PAPER = (30, 30, 30), (255, 255, 255)
NO_CLASS = (0, 0, 0)
WRONG = (235, 40, 40)
GAP = 6
HEADER = 28
LEGEND_LINE = 26


class PanelRow(NamedTuple):
    """One scene: ``picture`` (H, W, 3) uint8 RGB, ``truth`` and ``prediction`` (H, W) label maps."""

    picture: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


def colour_labels(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paints a label map (H, W) in the classes' colours: (H, W, 3) uint8; what is no class becomes black."""
    lookup = np.array([*palette, NO_CLASS], dtype=np.uint8)
    known = (labels >= 0) & (labels < len(palette))
    return lookup[np.where(known, labels, len(palette))]


def colour_errors(row: PanelRow, num_classes: int) -> np.ndarray:
    """The picture in pale grey, pixels of a wrong class in red; what is unlabelled cannot be wrong."""
    grey = 150 + row.picture.mean(axis=2, keepdims=True) * 0.4
    errors = np.repeat(grey, 3, axis=2).astype(np.uint8)
    errors[(row.truth < num_classes) & (row.truth != row.prediction)] = WRONG
    return errors


def draw_panels(
    rows: Sequence[PanelRow],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    scale: int = 2,
) -> Image.Image:
    """Draws one line of four panels per scene under their titles, and the colours of all classes below.

    Args:
        rows: The scenes, all of one size.
        classes: Names of the classes.
        palette: Their colours (red, green, blue).
        scale: Enlargement of the pictures.

    Raises:
        ValueError: There are no rows, or they differ in size, or the palette does not fit the classes.
    """
    if not rows:
        raise ValueError('There is nothing to draw: rows is empty.')
    if len(classes) != len(palette):
        raise ValueError(f'palette has {len(palette)} colours for {len(classes)} classes; give one for each.')
    sizes = {array.shape[:2] for row in rows for array in row}
    if len(sizes) != 1:
        raise ValueError(
            f'Pictures and label maps of one panel must be of one size, but these have {sorted(sizes)}.'
        )
    height, width = (scale * length for length in sizes.pop())
    num_columns = len(COLUMNS)
    sheet_width = num_columns * width + (num_columns + 1) * GAP
    legend = _layout_legend(classes, sheet_width)
    sheet_height = HEADER + len(rows) * (height + GAP) + (legend[-1][1] + 1) * LEGEND_LINE + GAP
    sheet = Image.new('RGB', (sheet_width, sheet_height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(COLUMNS):
        draw.text((GAP + column * (width + GAP), 5), title, fill=INK, font=_font())
    for line, row in enumerate(rows):
        images = (
            row.picture,
            colour_labels(row.truth, palette),
            colour_labels(row.prediction, palette),
            colour_errors(row, len(classes)),
        )
        for column, image in enumerate(images):
            smooth = Image.Resampling.BICUBIC if column == 0 else Image.Resampling.NEAREST
            enlarged = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), smooth)
            sheet.paste(enlarged, (GAP + column * (width + GAP), HEADER + line * (height + GAP)))
    top = HEADER + len(rows) * (height + GAP)
    for (left, line), name, colour in zip(
        legend, (*classes, 'unlabelled', 'wrong class'), (*palette, NO_CLASS, WRONG), strict=True
    ):
        y = top + line * LEGEND_LINE + 5
        draw.rectangle((left, y, left + 22, y + 15), fill=tuple(colour), outline=INK)
        draw.text((left + 28, y - 1), name, fill=INK, font=_font())
    return sheet


def _layout_legend(classes: Sequence[str], sheet_width: int) -> list[tuple[int, int]]:
    """Left edge and line of every legend entry, wrapped at the sheet's width."""
    places: list[tuple[int, int]] = []
    left, line = GAP, 0
    for name in (*classes, 'unlabelled', 'wrong class'):
        entry = 28 + int(_font().getlength(name)) + 18
        if left > GAP and left + entry > sheet_width:
            left, line = GAP, line + 1
        places.append((left, line))
        left += entry
    return places


@cache
def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along."""
    return ImageFont.truetype(findfont('DejaVu Sans'), 15)
