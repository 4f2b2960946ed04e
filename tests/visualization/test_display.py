"""Any image as 8-bit RGB."""

import numpy as np
import pytest

from mmmaskformer.visualization.display import to_rgb


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
