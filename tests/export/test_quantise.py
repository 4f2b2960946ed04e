"""8 bits by onnxruntime and by NNCF: close to the model, on images of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from inference_model import write_images

from mmmaskformer.export.check import compare
from mmmaskformer.export.graph import ExportedModel, outputs_of
from mmmaskformer.export.quantise import (
    calibration_files,
    calibration_inputs,
    quantize_onnx,
    quantize_openvino,
)
from mmmaskformer.runtime import Segmenter
from mmmaskformer.runtime.sessions import open_session

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')

LIKE_THEM = dict(size=None, batch=None, resize=dict(rule='none'))


def test_8_bits(exported, inferencer, tmp_path):
    pytest.importorskip('onnx')
    images = tmp_path / 'images'
    write_images(images, [(64, 128)] * 4)
    path = Path(shutil.copy2(exported / 'model.onnx', tmp_path))
    quantize_onnx(path, images, Segmenter(exported).metadata['input'])
    graph = ExportedModel(inferencer.model, with_labels=True).eval()
    outputs = outputs_of(inferencer.model, True)
    samples = [torch.from_numpy(image) for image in calibration_inputs(images, LIKE_THEM)]
    figures = compare(graph, path, outputs, samples)
    assert 1e-3 < figures['class_logits'] < 0.2
    assert 1e-3 < figures['mask_logits'] < 0.3


@pytest.mark.soak
def test_openvino_with_8_bits(exported, inferencer, tmp_path):
    pytest.importorskip('nncf')
    write_images(tmp_path / 'images', [(64, 128)] * 4)
    settings, path = Segmenter(exported).metadata['input'], tmp_path / 'model.xml'
    quantize_openvino(exported / 'model.onnx', path, tmp_path / 'images', settings)
    graph, outputs = (
        ExportedModel(inferencer.model, with_labels=True).eval(),
        outputs_of(inferencer.model, True),
    )
    samples = [torch.from_numpy(image) for image in calibration_inputs(tmp_path / 'images', LIKE_THEM)]
    figures = compare(graph, path, outputs, samples)
    assert 1e-3 < figures['class_logits'] < 0.5
    assert 1e-3 < figures['mask_logits'] < 0.3


def test_8_bits_cover_the_range_behind_the_activation(tmp_path):
    """A convolution whose outputs reach 600 in front of a ReLU6: steps are 6 / 255, not 1200 / 255."""
    onnx = pytest.importorskip('onnx')
    helper = onnx.helper
    weight = np.array([-600, 600, 3, 1], np.float32).reshape(4, 1, 1, 1).repeat(3, 1) / (3 * 255)
    nodes = [
        helper.make_node('Cast', ['image'], ['floats'], to=onnx.TensorProto.FLOAT),
        helper.make_node('Transpose', ['floats'], ['pixels'], perm=[0, 3, 1, 2]),
        helper.make_node('Conv', ['pixels', 'weight'], ['sums']),
        helper.make_node('Clip', ['sums', 'low', 'high'], ['features']),
        helper.make_node('Conv', ['features', 'identity'], ['logits']),
    ]
    identity = np.eye(4, dtype=np.float32)[..., None, None]
    constants = dict(weight=weight, identity=identity, low=np.float32(0), high=np.float32(6))
    graph = helper.make_graph(
        nodes,
        'small',
        [helper.make_tensor_value_info('image', onnx.TensorProto.UINT8, [1, 32, 32, 3])],
        [helper.make_tensor_value_info('logits', onnx.TensorProto.FLOAT, [1, 4, 32, 32])],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = tmp_path / 'model.onnx'
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10), path)
    (image,) = write_images(tmp_path / 'images', [(32, 32)])
    settings = dict(LIKE_THEM, batch=1)
    pixels = next(calibration_inputs(image.parent, settings))
    expected = open_session(path).run(['logits'], pixels)[0]
    quantize_onnx(path, image.parent, settings)
    found = open_session(path).run(['logits'], pixels)[0]
    assert expected.max() == 6
    assert np.abs(found - expected).max() < 4 * 6 / 255


def test_calibration_images_are_spread_over_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr('mmmaskformer.export.quantise.MOST_IMAGES', 3)
    paths = write_images(tmp_path / 'a', [(8, 8)] * 5)
    assert calibration_files(tmp_path) == paths[::2]
    with pytest.raises(FileNotFoundError, match='no images to calibrate on'):
        calibration_files(tmp_path / 'b')
