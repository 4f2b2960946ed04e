"""Windows for training have the same place in image and label map, from a TIFF and from a PNG alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets import LoadRandomWindow, tiff_windows


def write_pair(folder, suffix, shape=(60, 90)):
    """An image whose blue and green are the place of each pixel, and a label map of the same numbers."""
    ys, xs = np.mgrid[: shape[0], : shape[1]].astype(np.uint8)
    image, labels = np.stack([xs, ys, np.zeros_like(xs)], -1), ((xs.astype(int) + ys) % 7).astype(np.uint8)
    if suffix == '.png':
        cv2.imwrite(str(folder / 'image.png'), image)
        cv2.imwrite(str(folder / 'labels.png'), labels)
    else:
        tifffile = pytest.importorskip('tifffile')
        tifffile.imwrite(folder / 'image.tif', image[..., ::-1], photometric='rgb', tile=(16, 16))
        tifffile.imwrite(folder / 'labels.tif', labels, photometric='minisblack', tile=(16, 16))
    paths = dict(img_path=str(folder / f'image{suffix}'), seg_map_path=str(folder / f'labels{suffix}'))
    return dict(paths, reduce_zero_label=False, label_map=None, seg_fields=[])


@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_image_and_label_map_have_one_window(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(tiff_windows, 'SMALL', 0)
    sample = write_pair(tmp_path, suffix)
    load = LoadRandomWindow(size=(20, 30))
    np.random.seed(0)
    corners = set()
    for _ in range(20):
        loaded = load({**sample, 'seg_fields': []})
        xs, ys, rest = np.moveaxis(loaded['img'].astype(int), -1, 0)
        assert xs.shape == loaded['img_shape'] == loaded['gt_seg_map'].shape == (20, 30)
        assert (xs[0, -1] - xs[0, 0], ys[-1, 0] - ys[0, 0], rest.max()) == (29, 19, 0)
        np.testing.assert_array_equal(loaded['gt_seg_map'], (xs + ys) % 7)
        corners.add((ys[0, 0], xs[0, 0]))
    assert len(corners) > 15


def test_small_images_are_whole(tmp_path):
    loaded = LoadRandomWindow(size=(512, 70))(write_pair(tmp_path, '.png'))
    assert loaded['gt_seg_map'].shape == (60, 70)


def test_sizes_that_differ_are_an_error(tmp_path):
    sample = write_pair(tmp_path, '.png')
    cv2.imwrite(sample['seg_map_path'], np.zeros((60, 80), np.uint8))
    with pytest.raises(ValueError, match='80x60 pixels, but its image 90x60'):
        LoadRandomWindow(size=(20, 30))(sample)
