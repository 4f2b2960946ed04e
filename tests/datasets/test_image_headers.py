"""Size, channels and bits of image files, without decoding the kinds that say them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from mmmaskformer.datasets.image_headers import ImageHeader, read_header


@pytest.mark.parametrize(
    ('name', 'channels', 'dtype'),
    [
        ('grey.png', 1, np.uint8),
        ('color.jpg', 3, np.uint8),
        ('four.png', 4, np.uint8),
        ('deep.png', 3, np.uint16),
        ('deep_grey.png', 1, np.uint16),
        ('deep.tif', 3, np.uint16),
        ('float.tif', 1, np.float32),
        ('bands.tif', 4, np.uint16),
        ('color.bmp', 3, np.uint8),
    ],
)
def test_kinds(tmp_path, name, channels, dtype):
    shape = (5, 7) if channels == 1 else (5, 7, channels)
    path = str(tmp_path / name)
    assert cv2.imwrite(path, np.zeros(shape, dtype))
    bits = 8 * np.dtype(dtype).itemsize
    assert read_header(path) == ImageHeader(5, 7, channels, bits)
    assert read_header(path, dict(backend='local')) == ImageHeader(5, 7, channels, bits)


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif'])
def test_turned_as_the_loader_turns(tmp_path, suffix):
    """TIFF files excepted, which decoders turn, whatever the setting."""
    image = Image.new('RGB', (7, 5))
    exif = image.getexif()
    exif[274] = 6
    path = tmp_path / f'turned.{suffix}'
    image.save(path, exif=exif)
    assert read_header(str(path)).turned == (suffix != 'tif')


def test_png_is_not_decoded(tmp_path):
    path = tmp_path / 'a.png'
    Image.new('RGB', (7, 5)).save(path)
    path.write_bytes(path.read_bytes()[:33])
    assert read_header(str(path)) == ImageHeader(5, 7, 3, 8)


def test_palette(tmp_path):
    image = Image.new('RGB', (7, 5))
    image.convert('P').save(tmp_path / 'palette.png')
    assert read_header(str(tmp_path / 'palette.png')) == ImageHeader(5, 7, 3, 8)


def test_not_an_image(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'nothing')
    with pytest.raises(ValueError, match='it is not an image'):
        read_header(str(tmp_path / 'a.jpg'))
