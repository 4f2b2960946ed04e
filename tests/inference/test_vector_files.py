"""Outlines cover exactly the pixels of a mask, and results come out in the formats of other programs."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from color_model import ColorModel, draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmmaskformer.inference import MaskFormerInferencer
from mmmaskformer.inference.georeference import read_georeference
from mmmaskformer.outlines import joined, outlines_of, signed_area


def inside(rings, shape):
    """Pixels whose center is inside an odd number of rings."""
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    found = np.zeros(shape, bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]]):
            if y0 != y1:
                crosses = (min(y0, y1) < ys) & (ys < max(y0, y1))
                found ^= crosses & (x0 + (ys - y0) / (y1 - y0) * (x1 - x0) < xs)
    return found


@settings(max_examples=150, deadline=None)
@given(mask=arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_outlines_cover_the_pixels_of_the_mask(mask):
    found = outlines_of(mask)
    rings = [ring for outline in found for ring in (outline.outer, *outline.holes)]
    np.testing.assert_array_equal(inside(rings, mask.shape), mask)
    np.testing.assert_array_equal(inside([joined(outline) for outline in found], mask.shape), mask)
    assert all(signed_area(outline.outer) > 0 for outline in found)
    assert all(signed_area(hole) < 0 for outline in found for hole in outline.holes)


def test_outline_of_a_ring():
    mask = np.ones((3, 4), bool)
    mask[1, 1] = False
    ((outer, holes),) = outlines_of(mask)
    assert outer == [(0, 0), (4, 0), (4, 3), (0, 3)]
    assert len(holes) == 1
    assert sorted(holes[0]) == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.fixture(scope='module')
def inferencer():
    return MaskFormerInferencer(ColorModel(), device='cpu')


@pytest.fixture
def image():
    """A car of 6 x 4 pixels in front of the sky."""
    image = np.zeros((10, 20, 3), np.uint8)
    image[2:6, 4:10] = 1, 2, 0
    return image


def test_geojson_in_pixels(inferencer, image):
    (result,) = inferencer(image)
    content = result.to_geojson()
    by_name = {feature['properties']['category']: feature for feature in content['features']}
    assert by_name['car']['geometry'] == dict(
        type='Polygon', coordinates=[[[4, 2], [4, 6], [10, 6], [10, 2], [4, 2]]]
    )
    assert by_name['car']['properties']['area'] == 24
    assert len(by_name['sky']['geometry']['coordinates']) == 2  # a hole where the car is
    assert 'crs' not in content


def test_files(inferencer, image, tmp_path):
    (result,) = inferencer(image, probabilities=True)
    written = result.save(tmp_path, ['geojson', 'yolo', 'coco', 'confidence', 'geotiff'])
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        'geojson/image.geojson', 'yolo/image.txt', 'coco/image.json', 'confidence/image.png',
        'geotiff/image.tif',
    ]  # fmt: skip
    assert json.loads(written[0].read_text()) == json.loads(json.dumps(result.to_geojson()))
    assert (
        '2 0.200000 0.200000 0.500000 0.200000 0.500000 0.600000 0.200000 0.600000' in written[1].read_text()
    )
    entries = json.loads(written[2].read_text())
    assert [(entry['category_id'], entry['area'], entry['bbox']) for entry in entries] == [
        (0, 176, [0, 0, 20, 10]),
        (2, 24, [4, 2, 6, 4]),
    ]
    assert np.array(Image.open(written[3])).tolist() == np.full((10, 20), 255).tolist()
    np.testing.assert_array_equal(np.array(Image.open(written[4])), result.semantic)


def test_default_formats_are_as_before(inferencer, image, tmp_path):
    (result,) = inferencer(image)
    result.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['json', 'label', 'overlay', 'panoptic']


def test_confidence_needs_probabilities(inferencer, image, tmp_path):
    (result,) = inferencer(image)
    with pytest.raises(ValueError, match='probabilities=True'):
        result.save(tmp_path, 'confidence')
    with pytest.raises(ValueError, match='probabilities=True'):
        result.confidence  # noqa: B018


def write_geotiff(path, image, tags):
    info = ImageFileDirectory_v2()
    for tag, (kind, value) in tags.items():
        info.tagtype[tag] = kind
        info[tag] = value
    Image.fromarray(image).save(path, tiffinfo=info)


def test_the_place_on_a_map_is_kept(inferencer, image, tmp_path):
    """Pixels of 0.5 m, the corner at (392000, 5820000) in UTM zone 33 north."""
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 25833)
    tags = {33550: (12, (0.5, 0.5, 0.0)), 33922: (12, (0.0, 0.0, 0.0, 392000.0, 5820000.0, 0.0))}
    write_geotiff(tmp_path / 'town.tif', image[..., ::-1].copy(), {**tags, 34735: (3, keys)})
    (result,) = inferencer(tmp_path / 'town.tif')
    content = result.to_geojson()
    assert content['crs']['properties']['name'] == 'urn:ogc:def:crs:EPSG::25833'
    car = next(f for f in content['features'] if f['properties']['category'] == 'car')
    assert car['geometry']['coordinates'][0][:2] == [[392002.0, 5819999.0], [392002.0, 5819997.0]]
    (path,) = result.save(tmp_path / 'out', 'geotiff')
    copied = read_georeference(path)
    assert copied.epsg == 25833
    assert copied.to_map(4, 2) == [392002.0, 5819999.0]
    np.testing.assert_array_equal(np.array(Image.open(path)), result.semantic)


def test_other_files_have_no_place(tmp_path, image):
    Image.fromarray(image).save(tmp_path / 'plain.tif')
    (tmp_path / 'broken.tif').write_bytes(b'II*')
    assert read_georeference(tmp_path / 'plain.tif') is None
    assert read_georeference(tmp_path / 'broken.tif') is None
    assert read_georeference(tmp_path / 'missing.tif') is None


def test_detections(inferencer, image, monkeypatch):
    made = {}
    detections = SimpleNamespace(Detections=lambda **fields: made.update(fields) or 'made')
    monkeypatch.setitem(sys.modules, 'supervision', detections)
    (result,) = inferencer(image)
    assert result.to_supervision() == 'made'
    assert made['xyxy'].tolist() == [[0, 0, 20, 10], [4, 2, 10, 6]]
    assert made['class_id'].tolist() == [0, 2]
    assert made['data']['class_name'].tolist() == ['sky', 'car']
    assert made['mask'].sum((1, 2)).tolist() == [176, 24]
    np.testing.assert_allclose(made['confidence'], 0.9)


def test_detections_without_supervision(inferencer, image, monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    (result,) = inferencer(image)
    with pytest.raises(ImportError, match='mmmaskformer\\[supervision\\]'):
        result.to_supervision()


def test_detections_of_the_package(inferencer):
    pytest.importorskip('supervision')
    (result,) = inferencer(draw_scene(80, 100, 6))
    found = result.to_supervision()
    assert found.area.tolist() == [segment.area for segment in result.segments]
