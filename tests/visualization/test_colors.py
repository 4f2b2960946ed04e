"""Colors of classes and instances can be told apart; any image becomes 8-bit RGB."""

from __future__ import annotations

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
    to_rgb,
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


def test_channels():
    bands = np.arange(6, dtype=np.uint8) * 10
    pixel = np.broadcast_to(bands, (2, 3, 6))
    for number, expected in {
        1: [0, 0, 0],
        2: [0, 0, 0],
        3: [0, 10, 20],
        4: [0, 10, 20],
        6: [0, 10, 20],
    }.items():
        shown = to_rgb(pixel[..., :number])
        assert (shown.shape, shown.dtype) == ((2, 3, 3), np.uint8)
        assert (shown == expected).all()
    assert (to_rgb(pixel[..., :4], is_rgb=False) == [20, 10, 0]).all()
    assert (to_rgb(pixel[..., 1]) == 10).all()


def test_16_bits_are_spread_between_their_percentiles():
    """Of 0 ... 100 steps of 400 the percentiles are the steps 1 and 99."""
    ramp = (np.arange(101, dtype=np.uint16) * 400)[None]
    shown = to_rgb(ramp)[0, :, 0]
    assert shown[[0, 1, 50, 99, 100]].tolist() == [0, 0, 128, 255, 255]


def test_floats():
    ramp = np.linspace(-1, 1, 101, dtype=np.float32)[None]
    assert to_rgb(ramp)[0, [0, 50, 100], 0].tolist() == [0, 128, 255]
    ramp[0, :30] = np.nan
    ramp[0, 30] = np.inf
    shown = to_rgb(ramp)[0, :, 0]
    assert shown[:30].tolist() == [0] * 30
    assert shown[[30, 100]].tolist() == [255, 255]
    assert (to_rgb(np.full((2, 2), np.nan, np.float32)) == 0).all()


def test_8_bits_in_floats_and_hues_stay():
    pixels = np.array([[[10, 20, 200], [30, 0, 250]]])
    assert (to_rgb(pixels.astype(np.float32)) == pixels).all()
    wide = np.zeros((10, 10, 3), np.uint16)
    wide[..., 0], wide[..., 1] = 60000, 30000
    assert to_rgb(wide)[0, 0].tolist() == [255, 128, 0]


def test_constant_images_and_bool():
    assert (to_rgb(np.full((2, 2), 7, np.uint16)) == 128).all()
    assert to_rgb(np.array([[True, False]]))[0, :, 0].tolist() == [255, 0]


def test_8_bits_are_not_copied():
    image = np.zeros((2, 2, 3), np.uint8)
    assert to_rgb(image) is image or to_rgb(image).base is image


@pytest.mark.parametrize(
    'array', [np.zeros(3), np.zeros((0, 2, 3)), np.zeros((1, 2, 3, 4)), np.array([['a']])]
)
def test_what_is_not_an_image(array):
    with pytest.raises(ValueError, match='image to draw on is'):
        to_rgb(array)
