"""The small model of the tests of inference is used here, too: exported once for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'inference'))

from inference_model import ALL_TASKS, write_weights

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.export import Settings, export_model


@pytest.fixture(scope='session')
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp('weights') / 'model.pth')


def export(weights, folder, **settings):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    figures = export_model(None, weights, folder, Settings(tasks=ALL_TASKS, **settings))
    assert figures['label_map'] > 0.999
    assert max(figures['class_logits'], figures['mask_logits']) < 1e-4
    return folder


@pytest.fixture(scope='session')
def exported(weights, tmp_path_factory):
    """Of one size and any number of images: recorded in a quarter of the time."""
    return export(weights, tmp_path_factory.mktemp('exported'), size=(64, 128))


@pytest.fixture(scope='session')
def free(weights, tmp_path_factory):
    """Of any size and number of images."""
    return export(weights, tmp_path_factory.mktemp('free'))


@pytest.fixture(scope='session')
def inferencer(weights):
    return MaskFormerInferencer(None, weights, tasks=ALL_TASKS)
