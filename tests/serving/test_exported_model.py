"""An exported model is served without PyTorch; a graph made by hand tells bright pixels from dark ones."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')
pytest.importorskip('python_multipart')

import onnx
from local_server import running

from mmmaskformer.serving.app import create_app
from mmmaskformer.serving.opening import open_model

INPUT = dict(name='image', size=None, batch=None, size_divisor=1, min_size=[1, 1], fill=[0, 0, 0])
SETTINGS = dict(
    format_version=1,
    format='onnx',
    file='model.onnx',
    head='MaskFormerHead',
    kind='mask',
    tasks=['semantic'],
    classes=['dark', 'bright'],
    colors=[[0, 0, 0], [255, 0, 0]],
    things=None,
    category_ids=[0, 1],
    num_queries=2,
    ignore_index=None,
    mask_stride=None,
    input=dict(INPUT, resize=dict(rule='none'), interpolation='bilinear'),
    outputs=['label_map', 'class_logits', 'mask_logits'],
    postprocess=dict(semantic=dict(function='scores', before=False)),
    precision='fp32',
    license=None,
)


@pytest.fixture(scope='module')
def exported(tmp_path_factory) -> Path:
    """A folder as `mmmaskformer export` writes it, with the label map alone in its graph."""
    make, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node('Cast', ['image'], ['numbers'], to=kinds.FLOAT),
        make.make_node('ReduceMean', ['numbers', 'axis'], ['mean'], keepdims=0),
        make.make_node('Greater', ['mean', 'middle'], ['bright']),
        make.make_node('Cast', ['bright'], ['label_map'], to=kinds.INT32),
    ]
    image = make.make_tensor_value_info('image', kinds.UINT8, ['N', 'H', 'W', 3])
    labels = make.make_tensor_value_info('label_map', kinds.INT32, ['N', 'H', 'W'])
    constants = [
        make.make_tensor('axis', kinds.INT64, [1], [3]),
        make.make_tensor('middle', kinds.FLOAT, [], [127.0]),
    ]
    graph = make.make_graph(nodes, 'brightness', [image], [labels], constants)
    folder = tmp_path_factory.mktemp('exported')
    model = make.make_model(graph, opset_imports=[make.make_opsetid('', 18)], ir_version=9)
    onnx.save(model, folder / 'model.onnx')
    (folder / 'metadata.json').write_text(json.dumps(SETTINGS))
    return folder


def test_answers_of_a_graph(exported):
    pixels = np.zeros((6, 9, 3), np.uint8)
    pixels[:, 3:] = 200
    image = cv2.imencode('.png', pixels)[1].tobytes()
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)
    cut = cv2.imencode('.jpg', noise)[1].tobytes()[:3000]
    with running(create_app(open_model(str(exported)))) as server:
        client = server.client
        (result,) = client.post(image).json()['results']
        broken = client.form({'whole.png': image, 'cut.jpg': cut})
        overlay = client.post(image, '?output=overlay&alpha=1').content
        described = client.get('/model').json()
    assert [(s['category'], s['area'], s['bbox']) for s in result['semantic']] == [
        ('dark', 18, [0, 0, 3, 6]),
        ('bright', 36, [3, 0, 6, 6]),
    ]
    assert broken.status == 422
    assert broken.error().startswith('The image cut.jpg cannot be read (it is cut off')
    painted = cv2.imdecode(np.frombuffer(overlay, np.uint8), cv2.IMREAD_COLOR)
    assert painted[0, 0].tolist() == [0, 0, 0]
    assert painted[0, 8].tolist() == [0, 0, 255]
    assert described['settings']['precision'] == 'fp32'


CODE = """
import sys
sys.argv = ['mmmaskformer', *sys.argv[1:]]
import uvicorn
uvicorn.run = lambda app, **settings: print(app.title, settings['port'])
from mmmaskformer.commands import main
main()
print(sorted({'torch', 'mmengine', 'mmseg'} & set(sys.modules)))
"""


def test_the_command_imports_no_torch(exported, run_python):
    printed = run_python(CODE, 'serve', str(exported), '--port', '8010').stdout.splitlines()
    assert printed == [f'mmmaskformer: {exported.name} 8010', '[]']


@pytest.mark.parametrize(
    ('settings', 'sentence'),
    [
        (dict(weights='model.pth'), '--weights does not apply to'),
        (dict(device='cuda'), '--device does not apply to'),
        (dict(tasks=['panoptic']), 'has no panoptic result: choose from semantic, or export it with --task'),
    ],
)
def test_settings_of_other_models_are_refused(exported, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        open_model(str(exported), **settings)
