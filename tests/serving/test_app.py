"""Requests and answers: what is accepted, what is refused with a sentence, and what the answers hold."""

from __future__ import annotations

import base64
import io
import json
import logging
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')
pytest.importorskip('python_multipart')

from fake_model import FakeModel
from local_server import Client, running

from mmmaskformer.serving.app import create_app
from mmmaskformer.serving.limits import Limits

LIMITS = Limits(max_bytes=50_000, max_pixels=10_000, max_images=3, max_batch=4, max_queue=8)


def encode(pixels: np.ndarray, suffix: str = '.png') -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


IMAGE = encode(np.full((6, 8, 3), 90, np.uint8))


def decode(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture(scope='module')
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture(scope='module')
def client(model) -> Client:
    with running(create_app(model, LIMITS, ['https://example.org'])) as server:
        yield server.client


def test_an_image_as_the_body(client):
    (result,) = client.post(IMAGE).json()['results']
    assert (result['name'], result['height'], result['width']) == ('image', 6, 8)
    (region,) = result['semantic']
    assert (region['category'], region['area'], region['score']) == ('car', 48, None)
    first, second = result['panoptic']
    assert (first['category'], first['isthing'], first['score'], first['area']) == ('car', True, 0.9, 36)
    assert first['bbox'] == [2, 0, 6, 6]
    assert second['bbox'] == [0, 0, 2, 6]
    assert coco_mask.decode(first['segmentation']).sum() == 36
    assert 'path' not in result


def test_files_of_a_form_come_back_in_order(client):
    small = encode(np.zeros((2, 3, 3), np.uint8))
    results = client.form({'a.png': IMAGE, 'ä b.png': small}).json()['results']
    assert [(r['name'], r['height']) for r in results] == [('a.png', 6), ('ä b.png', 2)]


def test_settings(client):
    (result,) = client.post(IMAGE, '?task=panoptic&masks=polygons&min_score=0.5&maps=true').json()['results']
    (segment,) = result['panoptic']
    assert 'semantic' not in result
    assert segment['polygons'] == [[[[2, 0], [8, 0], [8, 6], [2, 6]]]]
    assert 'segmentation' not in segment
    ids = decode(base64.b64decode(result['segment_map']))
    assert (ids == ([0, 0] + 6 * [1])).all()
    (result,) = client.post(IMAGE, '?masks=none').json()['results']
    assert 'segmentation' not in result['panoptic'][0]


def test_pngs(client):
    answer = client.post(IMAGE, '?output=overlay&alpha=1&task=panoptic')
    assert answer.headers['content-type'] == 'image/png'
    assert decode(answer.content).shape == (6, 8, 3)
    assert client.post(IMAGE, Accept='image/png').headers['content-type'] == 'image/png'
    assert (decode(client.post(IMAGE, '?output=label').content) == 1).all()
    assert decode(client.post(IMAGE, '?output=segments').content)[0].tolist() == [2, 2, 1, 1, 1, 1, 1, 1]
    assert decode(client.post(IMAGE, '?output=overlay&alpha=0&task=panoptic').content).max() <= 255


@pytest.mark.parametrize(
    ('query', 'sentence'),
    [
        ('?task=all', "task='all': input should be 'semantic', 'panoptic' or 'instance'."),
        ('?task=instance', 'task=instance: this model gives semantic, panoptic.'),
        ('?min_score=2', "min_score='2': input should be less than or equal to 1."),
        ('?alpha=x', "alpha='x': input should be a valid number"),
        ('?tsak=panoptic', "There is no parameter 'tsak': expected one of task, output, masks"),
        ('?output=label&task=panoptic', 'output=label needs task=semantic, which was not asked for.'),
        ('?output=gif', "output='gif'"),
    ],
)
def test_settings_that_are_refused(client, query, sentence):
    answer = client.post(IMAGE, query)
    assert answer.status == 422
    assert answer.error().startswith(sentence)


def bomb() -> bytes:
    """A PNG whose header announces more than a gigapixel."""
    header = struct.pack('>IIBBBBB', 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = [(b'IHDR', header), (b'IDAT', zlib.compress(bytes(1000))), (b'IEND', b'')]
    parts = [struct.pack('>I', len(d)) + n + d + struct.pack('>I', zlib.crc32(n + d)) for n, d in chunks]
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


def gif() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(file, 'GIF')
    return file.getvalue()


@pytest.mark.parametrize(
    ('body', 'kind', 'status', 'sentence'),
    [
        (b'x' * 50_001, 'image/png', 413, 'The request is larger than 0.05 MB'),
        (iter([b'x' * 30_000, b'x' * 30_000]), 'image/png', 413, 'The request is larger than 0.05 MB'),
        (encode(np.zeros((101, 100), np.uint8)), 'image/png', 413, 'image has 100x101 pixels, more than'),
        (bomb(), 'image/png', 413, 'image has far too many pixels'),
        (b'hello', 'image/png', 415, 'image is not an image that can be read: expected one of JPEG, PNG'),
        (b'', 'image/png', 415, 'image is not an image'),
        (gif(), 'image/gif', 415, 'image is not an image that can be read'),
        (IMAGE, 'text/plain', 415, "the request has content-type 'text/plain': send an image"),
        (IMAGE, 'multipart/form-data', 422, 'The form cannot be read: Missing boundary'),
        (IMAGE[:-20], 'image/png', 422, 'The image image cannot be read'),
    ],
)
def test_bodies_that_are_refused(client, body, kind, status, sentence):
    answer = client.post(body, kind=kind)
    assert answer.status == status
    assert answer.error().startswith(sentence)


@pytest.mark.parametrize('query', ['', '?tsak=panoptic', '?task=instance'])
def test_refusals_reach_clients_that_send_much(client, query):
    assert client.post(bytes(20_000_000), query).status == (422 if query else 413)


def test_forms_that_are_refused(client):
    assert client.form({}).error().startswith('The form has no files')
    many = client.form({f'{i}.png': IMAGE for i in range(4)})
    assert many.status == 422
    assert many.error().startswith('The form has more than 3 files')
    two = client.form({'a.png': IMAGE, 'b.png': IMAGE}, '?output=overlay')
    assert two.error() == 'output=overlay is for one image, but the form has 2.'
    assert client.form({'a.png': IMAGE, 'b.txt': b'text'}).error().startswith('b.txt is not an image')


def test_a_bug_is_logged_and_not_told(client, model, caplog):
    with caplog.at_level(logging.ERROR, 'uvicorn.error'):
        answer = client.form({'bug.png': IMAGE})
    assert answer.status == 500
    assert answer.error().startswith('The server failed; its log has the details under ')
    assert 'secret' not in answer.content.decode()
    number = answer.error().split()[-1].strip('.')
    assert number in caplog.text
    assert client.post(IMAGE).status == 200


def test_model_health_and_documentation(client):
    described = client.get('/model').json()
    assert described['classes'][1] == dict(id=1, name='car', isthing=True, color=[200, 0, 0])
    assert described['tasks'] == ['semantic', 'panoptic']
    assert described['limits']['max_pixels'] == 10_000
    assert client.get('/health').json()['status'] == 'ok'
    document = client.get('/openapi.json').json()
    operation = document['paths']['/predict']['post']
    assert {'image/png', 'multipart/form-data'} <= set(operation['requestBody']['content'])
    assert {p['name'] for p in operation['parameters']} >= {'task', 'output', 'masks', 'min_score', 'alpha'}
    assert {'413', '415', '422', '503'} <= set(operation['responses'])
    assert json.dumps(document)
    assert b'swagger' in client.get('/docs').content.lower()
    assert client.get('/nowhere').status == 404
    assert client.get('/predict').status == 405


def test_pages_of_other_sites_must_be_named(client):
    allowed = client.get('/health', Origin='https://example.org').headers
    assert allowed['access-control-allow-origin'] == 'https://example.org'
    assert 'access-control-allow-origin' not in client.get('/health', Origin='https://other.org').headers
