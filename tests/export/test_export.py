"""A small model in ONNX: the graph equals the model, and the runtime's results those of the inferencer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from inference_model import ALL_TASKS, META, build, config, draw, write_images
from mmengine.config import Config

from mmmaskformer.export import Settings, export_model
from mmmaskformer.export.check import compare
from mmmaskformer.export.description import describe, num_queries, resize_rule
from mmmaskformer.export.formats import write_openvino
from mmmaskformer.export.graph import ExportedModel, example_images, one_value, outputs_of
from mmmaskformer.export.half import halve_weights
from mmmaskformer.runtime import SegmentationResult, Segmenter

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.mark.soak
@pytest.mark.parametrize('shape', [(1, 64, 96), (2, 100, 70), (1, 33, 129), (3, 32, 32)])
def test_the_graph_equals_the_model_at_any_size(free, inferencer, shape):
    graph = ExportedModel(inferencer.model, with_labels=True).eval()
    images = [example_images(shape[0], shape[1:])]
    figures = compare(graph, free / 'model.onnx', Segmenter(free).metadata['outputs'], images)
    assert figures['label_map'] > 0.999
    assert max(figures['class_logits'], figures['mask_logits']) < 1e-4


@pytest.mark.soak
@pytest.mark.parametrize('size', [(64, 128), (50, 90), (64, 40), (200, 320)])
def test_results_at_any_size_are_those_of_the_inferencer(free, inferencer, size):
    image = draw(*size)
    assert_same_results(Segmenter(free)(image[..., ::-1]), inferencer(image)[0])


@pytest.mark.parametrize('size', [(64, 128), (32, 64), (150, 300)])
def test_results_are_those_of_the_inferencer(exported, inferencer, size):
    image = draw(*size)
    assert_same_results(Segmenter(exported)(image[..., ::-1]), inferencer(image)[0])


def assert_same_results(found, expected) -> None:
    assert type(found) is type(expected) is SegmentationResult
    assert (found.semantic == expected.semantic).mean() > 0.999
    assert (found.panoptic == expected.panoptic).mean() > 0.999
    assert [s.category_id for s in found.segments] == [s.category_id for s in expected.segments]
    assert np.allclose(found.segments.scores, expected.segments.scores, atol=1e-4)
    assert np.allclose(found.instances.scores, expected.instances.scores, atol=1e-4)
    assert (found.instances.masks == expected.instances.masks).mean() > 0.999


def test_images_of_several_sizes_in_one_call(exported, tmp_path):
    paths = write_images(tmp_path, [(64, 128), (64, 96), (64, 128)])
    segmenter = Segmenter(exported)
    together = segmenter.batch(paths, task='panoptic')
    for path, result in zip(paths, together):
        alone = segmenter(path, 'panoptic')
        assert result.name == path.stem
        assert result.semantic is None
        assert (alone.panoptic == result.panoptic).mean() > 0.999
        assert result.to_json()['panoptic'][0]['category'] in META['classes']
        assert result.draw().shape == (*result.size, 3)
        assert result.overlay().shape == (*result.size, 3)


def test_the_folder_describes_the_model(exported, weights):
    metadata = json.loads((exported / 'metadata.json').read_text())
    assert metadata['tasks'] == list(ALL_TASKS)
    assert metadata['things'] == [False, True, True, False]
    assert metadata['category_ids'] == [7, 26, 21, 23]
    assert metadata['colors'] == META['palette']
    assert metadata['input']['resize'] == dict(rule='within', scale=[128, 64])
    assert metadata['postprocess']['panoptic'] == dict(
        function='maskformer', score_thr=0.02, overlap_thr=0.0, mask_thr=0.0
    )
    assert metadata['source']['weights'] == weights.name
    assert pytest.importorskip('onnx').load(exported / 'model.onnx').ir_version == 9  # of onnxruntime 1.17
    properties = (
        onnxruntime.InferenceSession(str(exported / 'model.onnx')).get_modelmeta().custom_metadata_map
    )
    assert json.loads(properties['mmmaskformer']) == metadata
    assert 'Segmenter(' in (exported / 'README.md').read_text()


def test_a_fixed_size_is_filled_and_cut_again(exported):
    segmenter = Segmenter(exported)
    assert segmenter.metadata['input']['size'] == [64, 128]
    narrow = segmenter.batch([draw(64, 64)[..., ::-1], draw(30, 90)[..., ::-1]], 'semantic')
    assert [result.semantic.shape for result in narrow] == [(64, 64), (30, 90)]


def test_the_runtime_imports_no_torch(exported, tmp_path):
    """As where the full package is not installed: its folder alone is on the path."""
    (path,) = write_images(tmp_path / 'images', [(64, 128)])
    (tmp_path / 'mmmaskformer').mkdir()
    runtime = sys.modules['mmmaskformer.runtime'].__path__[0]
    (tmp_path / 'mmmaskformer' / 'runtime').symlink_to(runtime)
    code = (
        'import sys\nfrom mmmaskformer.runtime import Segmenter\n'
        'heavy = {"torch", "mmengine", "scipy", "onnxruntime", "cv2", "PIL"} & set(sys.modules)\n'
        'assert not heavy, heavy\n'
        f'result = Segmenter({str(exported)!r})({str(path)!r})\n'
        'assert result.semantic.shape == (64, 128) and result.to_json()["panoptic"]\n'
        'assert not {"torch", "mmengine", "mmcv"} & set(sys.modules)\n'
        'try:\n    result.draw()\nexcept ImportError as error:\n    print(error)\n'
    )
    done = subprocess.run(
        [sys.executable, '-S', '-c', _with_packages(tmp_path) + code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert 'whole package' in done.stdout


def _with_packages(folder) -> str:
    """The packages of here without the full package, which an editable install would add."""
    present = [path for path in sys.path if path.endswith('site-packages')]
    return f'import sys\nsys.path[:0] = {[str(folder), *present]!r}\n'


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (Settings(to='tflite'), 'choose from onnx'),
        (Settings(precision='int8'), 'add --calibrate FOLDER'),
        (Settings(calibrate='photos'), 'add --int8'),
        (Settings(to='torch', precision='fp16'), '--to onnx'),
        (Settings(size=(16, 64)), '32 pixels or more'),
    ],
)
def test_settings_that_do_not_go_together(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_model(None, 'unused.pth', tmp_path, settings)


def test_models_and_pipelines_that_cannot_be_exported():
    model = build()
    with pytest.raises(ValueError, match=r'set model.type to mmmaskformer'):
        ExportedModel(torch.nn.Linear(1, 1), with_labels=True)
    model.test_cfg = dict(mode='slide')
    with pytest.raises(ValueError, match="set mode='whole'"):
        ExportedModel(model, with_labels=True)
    for transform, message in (
        (dict(type='TestTimeAug', transforms=[]), 'TestTimeAug in the test pipeline'),
        (dict(type='Resize', scale=(64, 64), interpolation='nearest'), "interpolation='nearest'"),
    ):
        pipeline = [dict(type='LoadImageFromFile'), transform]
        with pytest.raises(ValueError, match=message):
            resize_rule(Config(dict(test_pipeline=pipeline)))


def test_the_queries_of_a_head_that_keeps_them_itself():
    head = torch.nn.Module()
    head.query_embed = torch.nn.Embedding(5, 8)
    model = torch.nn.Module()
    model.decode_head = head
    assert num_queries(model) == 5


def test_the_channel_order_of_the_model_is_kept():
    """A model that is not told to reverse channels was trained on blue, green, red."""
    graph = ExportedModel(build(), with_labels=False)
    image = example_images(1, (32, 32))
    reversed_input = graph.prepare(image.flip(-1))
    graph.is_bgr = not graph.is_bgr
    flipped = graph.prepare(image)
    assert torch.equal(reversed_input * graph.std + graph.mean, flipped * graph.std + graph.mean)


@pytest.mark.parametrize(('mean', 'shape'), [([127.0] * 3, ()), ([127.0, 127.0, 128.0], (3, 1, 1))])
def test_statistics_that_channels_share_are_one_number(mean, shape):
    values = torch.tensor(mean).view(3, 1, 1)
    assert one_value(values).shape == shape
    assert torch.equal(one_value(values).expand(3, 1, 1), values)


def test_thresholds_without_a_value_are_those_of_the_function():
    model = build()
    metadata = describe(model, config(), META, dict(panoptic=dict(), semantic=False), {})
    assert metadata['postprocess'] == dict(
        panoptic=dict(function='maskformer', score_thr=0.8, overlap_thr=0.8, mask_thr=0.0)
    )
    assert metadata['outputs'] == ['class_logits', 'mask_logits']
    assert metadata['num_queries'] == 7


def test_weights_of_16_bits_halve_the_file(exported, inferencer, tmp_path):
    path = shutil.copy2(exported / 'model.onnx', tmp_path)
    halve_weights(Path(path))
    assert Path(path).stat().st_size < (exported / 'model.onnx').stat().st_size - 2e5
    graph = ExportedModel(inferencer.model, with_labels=True).eval()
    figures = compare(graph, Path(path), outputs_of(inferencer.model, True), [example_images(1, (64, 128))])
    assert figures['label_map'] > 0.97
    assert 0 < figures['mask_logits'] < 0.03


def test_openvino(exported, inferencer, tmp_path):
    pytest.importorskip('openvino')
    metadata = json.loads((exported / 'metadata.json').read_text())
    write_openvino(exported / 'model.onnx', tmp_path / 'model.xml', half=False)
    (tmp_path / 'metadata.json').write_text(json.dumps({**metadata, 'file': 'model.xml'}))
    segmenter, image = Segmenter(tmp_path, threads=1), draw(64, 128)
    assert_same_results(segmenter(image[..., ::-1]), inferencer(image)[0])
    assert len(segmenter.batch([image, image[:50]], 'panoptic')) == 2
    with pytest.raises(ValueError, match='providers are for ONNX'):
        Segmenter(tmp_path, providers=['CPUExecutionProvider'])
