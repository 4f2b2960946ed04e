"""Reading and resizing in the runtime: to the bit as OpenCV, and to the sizes of mmcv's transforms."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from mmcv.transforms import Resize
from mmseg.datasets.transforms import ResizeShortestEdge

from mmmaskformer.evaluation.coco_ap import encode_mask as encoded_by_pycocotools
from mmmaskformer.runtime import images
from mmmaskformer.runtime.metadata import read_metadata
from mmmaskformer.runtime.run_lengths import encode_mask
from mmmaskformer.runtime.segmenter import Segmenter

SIZES = [
    ((36, 48), (24, 32)),
    ((24, 32), (36, 48)),
    ((50, 76), (25, 38)),  # halved: OpenCV takes the mean of four pixels
    ((37, 53), (111, 20)),
    ((64, 64), (64, 32)),
    ((13, 17), (13, 40)),
    ((1, 5), (3, 9)),
]


@pytest.mark.parametrize(('size', 'target'), SIZES)
def test_bilinear_resizing_is_that_of_opencv(size, target):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = cv2.resize(image, target[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(images.bilinear_8_bits(image, target), expected)


@pytest.mark.parametrize('size', [(360, 480), (480, 360), (300, 1000), (512, 683), (77, 1999)])
@pytest.mark.parametrize(
    ('rule', 'transform'),
    [
        (dict(rule='within', scale=[2048, 512]), Resize(scale=(2048, 512), keep_ratio=True)),
        (dict(rule='exact', scale=[128, 64]), Resize(scale=(128, 64))),
        (dict(rule='shortest_edge', short=80, max=133), ResizeShortestEdge(scale=80, max_size=133)),
        (dict(rule='none'), lambda results: results),
    ],
)
def test_sizes_are_those_of_the_transforms(size, rule, transform):
    results = transform(dict(img=np.zeros((*size, 3), np.uint8), img_shape=size, seg_fields=[]))
    assert images.prepared_size(*size, dict(size=None, resize=rule)) == results['img'].shape[:2]


def test_fixed_sizes_keep_the_aspect():
    settings = dict(size=[64, 96], resize=dict(rule='within', scale=[1, 1]), fill=[1, 2, 3])
    assert images.prepared_size(128, 128, settings) == (64, 64)
    assert images.prepared_size(10, 1000, settings) == (1, 96)
    filled = images.fill(np.zeros((64, 64, 3), np.uint8), settings)
    assert filled.shape == (64, 96, 3)
    assert filled[0, 64:].tolist() == [[1, 2, 3]] * 32
    assert not filled[:, :64].any()


@pytest.mark.parametrize('with_opencv', [True, False])
def test_files_are_read_upright(with_opencv, tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(images, 'opencv', lambda: cv2 if with_opencv else None)
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, :3] = 200, 100, 0
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right
    Image.fromarray(pixels).save(tmp_path / 'a.png', exif=exif)
    found = images.read_rgb(tmp_path / 'a.png')
    assert found.shape == (6, 4, 3)
    assert found[0, 0].tolist() == [200, 100, 0]
    (tmp_path / 'b.png').write_text('not an image')
    with pytest.raises(ValueError, match=r'b\.png cannot be read'):
        images.read_rgb(tmp_path / 'b.png')
    with pytest.raises(FileNotFoundError, match=r'c\.png does not exist'):
        images.read_rgb(tmp_path / 'c.png')


@pytest.mark.parametrize('with_opencv', [True, False])
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_files_that_are_cut_off_are_refused(suffix, with_opencv, tmp_path, monkeypatch):
    monkeypatch.setattr(images, 'opencv', lambda: cv2 if with_opencv else None)
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    content = cv2.imencode(suffix, noise)[1].tobytes()
    path = tmp_path / f'a{suffix}'
    path.write_bytes(content)
    assert images.read_rgb(path).shape == noise.shape
    path.write_bytes(content[: 2 * len(content) // 3])
    with pytest.raises(ValueError, match=r'a\.\w+ cannot be read \(it is cut off: its end is missing\)'):
        images.read_rgb(path)


def test_arrays_become_rgb():
    gray = np.full((2, 3), 7, np.uint8)
    assert images.as_rgb(gray).tolist() == np.full((2, 3, 3), 7).tolist()
    assert images.as_rgb(np.zeros((2, 3, 4), np.uint8)).shape == (2, 3, 3)
    for wrong in (np.zeros((2, 3, 3)), np.zeros((0, 3, 3), np.uint8), np.zeros((2, 3, 5), np.uint8)):
        with pytest.raises(ValueError, match='image'):
            images.as_rgb(wrong)


@pytest.mark.parametrize('seed', range(4))
def test_run_lengths_are_those_of_pycocotools(seed):
    random = np.random.default_rng(seed)
    mask = random.random((40 + seed, 300)) < random.random((1, 300)) ** 3
    mask[:, 100:200] = seed % 2
    assert encode_mask(mask) == encoded_by_pycocotools(mask)
    assert encode_mask(mask[:1]) == encoded_by_pycocotools(mask[:1])


def test_folders_that_are_no_exported_models(tmp_path):
    with pytest.raises(FileNotFoundError, match='give the folder that export has written'):
        Segmenter(tmp_path / 'missing')
    with pytest.raises(FileNotFoundError, match=r'has no metadata\.json'):
        Segmenter(tmp_path)
    (tmp_path / 'metadata.json').write_text('[]')
    with pytest.raises(ValueError, match='not the description of an exported model'):
        read_metadata(tmp_path)
    (tmp_path / 'metadata.json').write_text(json.dumps(dict(format_version=9)))
    with pytest.raises(ValueError, match='format_version 9'):
        read_metadata(tmp_path)
