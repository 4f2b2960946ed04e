"""Windows of TIFF files equal the same part of the whole image, and only what they cover is decoded."""

from __future__ import annotations

import numpy as np
import pytest

from mmmaskformer.datasets.tiff_windows import TiffWindows, open_tiff

tifffile = pytest.importorskip('tifffile')
IMAGE = np.random.RandomState(0).randint(0, 4096, (70, 101, 5)).astype(np.uint16)
WINDOWS = [(slice(0, 70), slice(0, 101)), (slice(10, 45), slice(30, 101)), (slice(63, 70), slice(0, 3))]


@pytest.mark.parametrize(
    'options', [dict(tile=(16, 32)), dict(rowsperstrip=9), dict(tile=(16, 16), compression='zlib')]
)
@pytest.mark.parametrize('pixels', [IMAGE, IMAGE[..., 0], IMAGE[..., :3].astype(np.uint8)])
def test_windows_equal_the_whole_image(tmp_path, options, pixels):
    photometric = 'rgb' if pixels.ndim == 3 and pixels.shape[2] == 3 else 'minisblack'
    settings = dict(photometric=photometric, planarconfig='contig' if pixels.ndim == 3 else None)
    tifffile.imwrite(tmp_path / 'a.tif', pixels, **settings, **options)
    image = TiffWindows(tmp_path / 'a.tif')
    assert image.shape == pixels.shape
    for rows, columns in WINDOWS:
        np.testing.assert_array_equal(image.read(rows, columns), pixels[rows, columns])


def test_only_the_tiles_of_a_window_are_decoded(tmp_path, monkeypatch):
    tifffile.imwrite(
        tmp_path / 'a.tif', IMAGE, photometric='minisblack', planarconfig='contig', tile=(16, 16)
    )
    image = TiffWindows(tmp_path / 'a.tif')
    decoded = []
    decode = tifffile.TiffPage.decode.func if hasattr(tifffile.TiffPage.decode, 'func') else None
    assert decode is not None
    monkeypatch.setattr(
        tifffile.TiffPage,
        'decode',
        property(lambda page: lambda *a, **k: decoded.append(a[1]) or decode(page)(*a, **k)),
    )
    image.read(slice(17, 30), slice(20, 40))
    assert decoded == [8, 9]  # the second and third tile of the second row of seven


def test_small_and_other_files_are_left_to_the_loader(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', IMAGE[..., 0])
    (tmp_path / 'b.tif').write_bytes(b'not a TIFF')
    assert open_tiff(str(tmp_path / 'a.tif')) is None
    assert open_tiff(str(tmp_path / 'b.tif')) is None
    assert open_tiff('a.png') is None
