"""Models of the paper's sizes as ONNX, fixed and free, and in the oldest onnxruntime: minutes each."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import torch
from inference_model import ALL_TASKS, LOW, draw, spread_running_statistics, write_weights

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.export import Settings, export_model
from mmmaskformer.export.check import compare
from mmmaskformer.export.graph import ExportedModel, example_images
from mmmaskformer.inference.config_files import find_config
from mmmaskformer.inference.model_loading import load_model
from mmmaskformer.runtime import Segmenter

pytest.importorskip('onnxscript')
pytestmark = pytest.mark.soak

NAMES = [
    'r50_ade20k',
    'swin_ade20k',
    'per_pixel_baseline_plus_r50_8xb2-160k_ade20k-512x512',
    'camvid/maskformer_efficientnet-lite0_small-data_1xb4-600i_camvid-192x256',
]
OLDEST = 'onnxruntime==1.17.3'


def without_weights(name: str):
    config = find_config(name)
    config.model.backbone.pop('init_cfg', None)
    model = load_model(config, None).model
    model.cfg = config
    return model


@pytest.mark.parametrize('size', [None, (512, 512)], ids=['free', 'fixed'])
@pytest.mark.parametrize('name', NAMES)
def test_logits_and_labels(name, size, tmp_path, record_figures):
    model = without_weights(name)
    export_model(model, None, tmp_path, Settings(tasks=['semantic'], size=size))
    graph, outputs = ExportedModel(model, with_labels=True).eval(), Segmenter(tmp_path).metadata['outputs']
    shapes = [(1, 512, 512), (2, 512, 512)] + ([] if size else [(1, 512, 683), (2, 333, 500)])
    images = [example_images(number, sides) for number, *sides in shapes]
    figures = compare(graph, tmp_path / 'model.onnx', outputs, images)
    record_figures(f'export_{Path(name).name}_{"free" if size is None else "fixed"}', figures)
    assert figures.pop('label_map') > 0.999
    assert max(figures.values()) < 1e-4


@pytest.mark.parametrize('name', ['r50_coco_panoptic', 'swin_coco_panoptic'])
def test_panoptic_maps(name, tmp_path, record_figures):
    """Of a model whose random weights are spread until its queries are sure, and differ."""
    model = without_weights(name)
    model.cfg.model.test_cfg.panoptic = LOW
    height, width = size = (320, 448)
    for transform in model.cfg.test_dataloader.dataset.pipeline:
        if 'scale' in transform:
            transform.scale = (width, height)
    image = draw(height, width)
    with torch.no_grad():
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        spread_queries(model, (pixels - 120) / 60)
    state = dict(state_dict=model.state_dict(), meta=dict(cfg=model.cfg.pretty_text))
    torch.save(state, tmp_path / 'weights.pth')
    inferencer = MaskFormerInferencer(None, tmp_path / 'weights.pth', tasks=['panoptic'])
    export_model(
        None, tmp_path / 'weights.pth', tmp_path / 'exported', Settings(tasks=['panoptic'], size=size)
    )
    expected = inferencer(image)[0]
    found = Segmenter(tmp_path / 'exported')(image[..., ::-1], 'panoptic')
    equal = float((found.panoptic == expected.panoptic).mean())
    record_figures(f'panoptic_{Path(name).name}', dict(segments=len(expected.segments), equal=equal))
    assert len(expected.segments) > 1
    assert len(found.segments) == len(expected.segments)
    assert equal > 0.9999  # queries that are level to rounding


def spread_queries(model, images) -> None:
    head = model.eval().decode_head
    spread_running_statistics(model)
    head.transformer_decoder.query_embed.weight.mul_(4)
    head.class_embed.bias.sub_(head.predict_masks(model.extract_feat(images)).class_logits.mean((0, 1)))
    prediction = head.predict_masks(model.extract_feat(images))
    for parameter in head.class_embed.parameters():
        parameter.mul_(8 / prediction.class_logits.std())
    head.mask_embed[-1].weight.mul_(8 / prediction.mask_logits.std())


def test_the_oldest_onnxruntime(tmp_path):
    export_model(
        None, write_weights(tmp_path / 'model.pth'), tmp_path / 'exported', Settings(tasks=ALL_TASKS)
    )
    venv.create(tmp_path / 'env', symlinks=True)
    install = [sys.executable, '-m', 'pip', '--python', str(tmp_path / 'env'), 'install', '-q']
    subprocess.run([*install, OLDEST, 'numpy<2'], check=True)
    image = example_images(2, (64, 96)).numpy()
    np.save(tmp_path / 'image.npy', image)
    code = (
        'import json, sys, numpy, onnxruntime\n'
        'session = onnxruntime.InferenceSession(sys.argv[1] + "/exported/model.onnx")\n'
        'image = numpy.load(sys.argv[1] + "/image.npy")\n'
        'print(json.dumps([float(x.sum()) for x in session.run(None, {"image": image})]))\n'
    )
    python = tmp_path / 'env/bin/python'
    found = subprocess.run([python, '-c', code, str(tmp_path)], check=True, capture_output=True, text=True)
    segmenter = Segmenter(tmp_path / 'exported')
    expected = [float(x.sum()) for x in segmenter._session.run(segmenter.metadata['outputs'], image)]
    assert np.allclose(json.loads(found.stdout), expected, rtol=1e-4)
