"""What queries do, on one sheet: where each looks, and which classes it predicts."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from .sheet import PAPER, add_title, arrange, draw_legend

TILE_WIDTH = 176
BAR_HEIGHT = 14
NO_OBJECT = (225, 225, 225)
COLUMNS = 6


class QueryTile(NamedTuple):
    """A query.

    Attributes:
        title: Stands above its image.
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

    The bar's length is one; classes have their colors and no-object is grey.

    Raises:
        ValueError: There are no queries, or the palette does not fit the classes.
    """
    if not tiles:
        raise ValueError('there are no queries to draw')
    if len(classes) != len(palette):
        raise ValueError(f'palette has {len(palette)} colors for {len(classes)} classes; give one for each')
    colors = np.array([*palette, NO_OBJECT], dtype=np.uint8)
    sheet = arrange([_draw_tile(tile, colors) for tile in tiles], min(COLUMNS, len(tiles)))
    legend = draw_legend([*zip(classes, palette), ('no object', NO_OBJECT)], sheet.shape[1])
    whole = Image.new('RGB', (sheet.shape[1], sheet.shape[0] + legend.height), PAPER)
    whole.paste(Image.fromarray(sheet), (0, 0))
    whole.paste(legend, (0, sheet.shape[0]))
    return whole


def _draw_tile(tile: QueryTile, colors: np.ndarray) -> np.ndarray:
    height = round(TILE_WIDTH * tile.heat.shape[0] / tile.heat.shape[1])
    grey = np.rint(np.clip(tile.heat, 0, 1) * 255).astype(np.uint8)
    heat = cv2.applyColorMap(cv2.resize(grey, (TILE_WIDTH, height)), cv2.COLORMAP_INFERNO)[..., ::-1]
    bar = np.repeat(_bar(tile.class_prob, colors)[None], BAR_HEIGHT, axis=0)
    return add_title(np.concatenate([np.ascontiguousarray(heat), bar]), tile.title)


def _bar(class_prob: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """One row of pixels ``(TILE_WIDTH, 3)``, the most probable class first and no-object last."""
    order = [*np.argsort(-class_prob[:-1], kind='stable'), len(class_prob) - 1]
    ends = np.cumsum(class_prob[order]) / class_prob.sum()
    places = (np.arange(TILE_WIDTH) + 0.5) / TILE_WIDTH
    return colors[np.array(order)[np.minimum(np.searchsorted(ends, places), len(order) - 1)]]
