"""Pictures side by side, each under its title."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .lettering import get_font

GAP = 6
TITLE = 24
INK, PAPER = (30, 30, 30), (255, 255, 255)
MOST_IN_A_ROW = 3


def add_title(picture: np.ndarray, title: str) -> np.ndarray:
    """The picture (H, W, 3) below its title, in smaller letters where it is narrow, or none at all."""
    image = Image.new('RGB', (picture.shape[1], picture.shape[0] + TITLE), PAPER)
    image.paste(Image.fromarray(picture), (0, TITLE))
    sizes = [size for size in range(15, 6, -1) if get_font(size).getlength(title) <= picture.shape[1] - 2]
    if sizes:
        ImageDraw.Draw(image).text((2, TITLE // 2), title, INK, get_font(sizes[0]), anchor='lm')
    return np.asarray(image)


def arrange(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one size in one row, or in two where they are many; (H, W, 3)."""
    columns = len(pictures) if len(pictures) <= MOST_IN_A_ROW else -(-len(pictures) // 2)
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet
