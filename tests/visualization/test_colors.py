"""Colors are the same every time, and those of one image can be told apart."""

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets.toy import CATEGORIES
from mmmaskformer.visualization.colors import (
    NUM_SHADES,
    class_colors,
    default_palette,
    line_color,
    shade,
)

HARD = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (128, 128, 128)]
TOY = [category.color for category in CATEGORIES]


def differences(colors):
    """Distances between all pairs in CIELAB (N, N); 2.3 can just be seen."""
    lab = cv2.cvtColor(np.array([colors], dtype=np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)


def least_difference(colors):
    return (differences(colors) + 1000 * np.eye(len(colors))).min()


@pytest.mark.parametrize('color', [*HARD, *TOY], ids=str)
def test_shades_of_a_class_are_clearly_apart_and_near_the_class(color):
    shades = [shade(color, number) for number in range(NUM_SHADES)]
    assert shades[0] == color
    assert least_difference(shades[:6]) > 14
    assert least_difference(shades) > 8
    assert differences(shades)[0].max() < 40
    assert shade(color, NUM_SHADES) == color, 'after the last shade the first one comes again'


@pytest.mark.parametrize('color', [*HARD, *TOY], ids=str)
def test_contours_stand_out(color):
    if color == (0, 0, 0):
        assert min(line_color(color)) > 150
    assert differences([color, line_color(color)])[0, 1] > 25


def test_default_palette_is_the_same_for_more_classes():
    assert default_palette(5).tolist() == default_palette(150)[:5].tolist()
    assert default_palette(0).shape == (0, 3)
    assert len({tuple(color) for color in default_palette(150).tolist()}) == 150
    assert least_difference(default_palette(12).tolist()) > 15


def test_class_colors_are_the_palette():
    assert class_colors(['a', 'b'], [(1, 2, 3), (4, 5, 6)]).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert class_colors(['a', 'b']).tolist() == default_palette(2).tolist()
    assert class_colors(['a'], np.array([(1, 2, 3), (4, 5, 6)])).tolist() == [[1, 2, 3]]
    with pytest.raises(ValueError, match='palette has 2 colors for 3 classes'):
        class_colors(['a', 'b', 'c'], [(1, 2, 3), (4, 5, 6)])
