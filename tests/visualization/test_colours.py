"""Colours are the same every time, and those of one picture can be told apart."""

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets.toy import CATEGORIES
from mmmaskformer.visualization.colours import (
    NUM_SHADES,
    class_colours,
    default_palette,
    line_colour,
    shade,
)

HARD = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (128, 128, 128)]
TOY = [category.colour for category in CATEGORIES]


def differences(colours):
    """Distances between all pairs in CIELAB (N, N); 2.3 can just be seen."""
    lab = cv2.cvtColor(np.array([colours], dtype=np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)


def least_difference(colours):
    return (differences(colours) + 1000 * np.eye(len(colours))).min()


@pytest.mark.parametrize('colour', [*HARD, *TOY], ids=str)
def test_shades_of_a_class_are_clearly_apart_and_near_the_class(colour):
    shades = [shade(colour, number) for number in range(NUM_SHADES)]
    assert shades[0] == colour
    assert least_difference(shades[:6]) > 14
    assert least_difference(shades) > 8
    assert differences(shades)[0].max() < 40
    assert shade(colour, NUM_SHADES) == colour, 'after the last shade the first one comes again'


@pytest.mark.parametrize('colour', [*HARD, *TOY], ids=str)
def test_contours_stand_out(colour):
    if colour == (0, 0, 0):
        assert min(line_colour(colour)) > 150
    assert differences([colour, line_colour(colour)])[0, 1] > 25


def test_default_palette_is_the_same_for_more_classes():
    assert default_palette(5).tolist() == default_palette(150)[:5].tolist()
    assert default_palette(0).shape == (0, 3)
    assert len({tuple(colour) for colour in default_palette(150).tolist()}) == 150
    assert least_difference(default_palette(12).tolist()) > 15


def test_class_colours_are_the_palette():
    assert class_colours(['a', 'b'], [(1, 2, 3), (4, 5, 6)]).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert class_colours(['a', 'b']).tolist() == default_palette(2).tolist()
    assert class_colours(['a'], np.array([(1, 2, 3), (4, 5, 6)])).tolist() == [[1, 2, 3]]
    with pytest.raises(ValueError, match='palette has 2 colours for 3 classes'):
        class_colours(['a', 'b', 'c'], [(1, 2, 3), (4, 5, 6)])
