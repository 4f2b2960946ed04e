"""The first-party model behind a server gives what the inferencer gives; the command reports in sentences."""

from __future__ import annotations

import base64
import io
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')
pytest.importorskip('python_multipart')

import uvicorn
from fake_model import FakeModel
from local_server import running

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.commands import main
from mmmaskformer.serving import opening
from mmmaskformer.serving.app import create_app
from mmmaskformer.serving.limits import Limits
from mmmaskformer.toy_scenes import ToyRecipe, write_toy


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.fixture(scope='module')
def images(tmp_path_factory) -> dict[str, bytes]:
    """Toy scenes, and one of them as a file of 16 bits, as CMYK, turned by EXIF, gray, and with opacity."""
    folder = tmp_path_factory.mktemp('toy')
    write_toy(folder, ToyRecipe(num_training=4, num_validation=1, height=96, width=128))
    paths = sorted(folder.rglob('*.png')) + sorted(folder.rglob('*.jpg'))
    scenes = [path for path in paths if cv2.imread(str(path), -1).ndim == 3 and 'pan' not in str(path)][:3]
    files = {f'scene{i}': path.read_bytes() for i, path in enumerate(scenes)}
    pixels = cv2.imread(str(scenes[0]))
    rgb = Image.fromarray(pixels[..., ::-1])
    files['16 bits'] = cv2.imencode('.png', pixels.astype(np.uint16) << 8)[1].tobytes()
    files['cmyk'] = saved(rgb.convert('CMYK'), 'JPEG')
    files['turned'] = saved(rgb, 'JPEG', exif=turned())
    files['gray'] = saved(rgb.convert('L'), 'PNG')
    files['opacity'] = saved(rgb.convert('RGBA'), 'WEBP', lossless=True)
    return files


def decode(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_answers_are_the_single_predictions(images, tmp_path):
    inferencer = MaskFormerInferencer('lite0_toy', device='cpu', tasks=('semantic', 'panoptic'))
    expected = {}
    for name, content in images.items():
        (tmp_path / name).write_bytes(content)
        (expected[name],) = inferencer(tmp_path / name)
    assert expected['turned'].size == expected['scene0'].size[::-1]
    model = opening.open_model('lite0_toy', tasks=('semantic', 'panoptic'), device='cpu')
    limits = Limits(max_batch=4, max_wait=0.2)
    with running(create_app(model, limits)) as server, ThreadPoolExecutor(8) as pool:
        client = server.client
        answers = {n: pool.submit(client.post, c, '?maps=true', 'image/*') for n, c in images.items()}
        answers = {name: answer.result() for name, answer in answers.items()}
        broken = client.form({'good': images['scene0'], 'cut': images['turned'][:900]})
        sizes = client.get('/health').json()['batches']
        semantic = client.post(images['scene0'], '?task=semantic').json()['results'][0]
        overlay = client.post(images['scene0'], '?output=overlay&task=panoptic').content
        described = client.get('/model').json()
    for name, answer in answers.items():
        (result,) = answer.json()['results']
        assert (decode(result['label_map']) == expected[name].semantic).all(), name
        assert (decode(result['segment_map']) == expected[name].panoptic).all(), name
        found = [(s['id'], s['category'], s['bbox'], s['segmentation']) for s in result['panoptic']]
        listed = expected[name].to_json()['panoptic']
        assert found == [(s['id'], s['category'], s['bbox'], s['segmentation']) for s in listed]
        assert [s['score'] for s in result['panoptic']] == pytest.approx(
            [s['score'] for s in listed], abs=1e-5
        )
    assert broken.status == 422
    assert broken.error().startswith('The image cut cannot be read (')
    assert max(map(int, sizes)) > 1
    assert 'panoptic' not in semantic
    assert np.asarray(Image.open(io.BytesIO(overlay))).shape == (*expected['scene0'].size, 3)
    assert described['settings']['test_cfg']['panoptic'] == inferencer.test_cfg.panoptic.to_dict()


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        ('r50_ade20k', 'r50_ade20k is a config without weights: give --weights.'),
        ('nowhere', 'nowhere is neither a config file nor the name of a config'),
        ('{folder}', 'has no checkpoint (*.pth)'),
        ('nowhere.pth', 'The checkpoint nowhere.pth does not exist'),
        ('lite0_toy --max-queue 0', 'max_images=0 must be 1 or more'),
        ('lite0_toy --max-wait -1', 'max_wait=-0.001 must be 0 or more seconds'),
    ],
)
def test_errors_of_the_command_are_sentences(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, 'run_server', lambda *_: None)
    with pytest.raises(SystemExit) as end:
        main(['serve', *arguments.format(folder=tmp_path).split()])
    assert sentence in str(end.value.code)


def test_the_command_starts_a_server(monkeypatch):
    started = []
    monkeypatch.setattr(opening, 'open_model', lambda *arguments: SimpleNamespace(name=arguments[0]))
    monkeypatch.setattr(opening, 'run_server', lambda *arguments: started.append(arguments))
    main(
        [
            'serve',
            'lite0_toy',
            '--max-wait',
            '10',
            '--max-megabytes',
            '1.5',
            '--cors',
            'https://a.org',
            '--port',
            '8001',
        ]
    )
    ((model, limits, origins, host, port),) = started
    assert (model.name, origins, host, port) == ('lite0_toy', ['https://a.org'], '127.0.0.1', 8001)
    assert (limits.max_wait, limits.max_bytes) == (0.01, 1_500_000)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'uvicorn', None)
    with pytest.raises(SystemExit) as end:
        main(['serve', 'lite0_toy'])
    assert "The server needs the package uvicorn: pip install 'mmmaskformer[serve]'" in end.value.code


def test_the_server_leaves_log_files_open(monkeypatch, tmp_path, capsys):
    file = logging.FileHandler(tmp_path / 'training.log', mode='w')
    monkeypatch.setattr(uvicorn.Server, 'run', lambda server: setattr(server, 'started', True))
    opening.run_server(FakeModel(), Limits(), [], '127.0.0.1', 0)
    file.emit(logging.makeLogRecord(dict(msg='still written')))
    logging.getLogger('uvicorn').info('of the server')
    assert (tmp_path / 'training.log').read_text() == 'still written\n'
    assert 'INFO:     of the server' in capsys.readouterr().err
    file.close()
