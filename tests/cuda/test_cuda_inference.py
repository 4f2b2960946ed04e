"""Predictions, metrics and files of a model on a device equal those of the CPU."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from drawn_samples import META as METRIC_META
from drawn_samples import draw_sample, evaluate
from golden_outputs import golden_model
from inference_model import ALL_TASKS, LOW, META, build, draw, write_weights
from mmengine.config import ConfigDict
from mmseg.structures import SegDataSample
from small_models import images

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.checkpoints.exporting import write_official
from mmmaskformer.evaluation import ClassIoU, InstanceAP, PanopticQuality, SemanticPanopticQuality

# The random model's logits are large: where two classes are equal but for rounding, pixels may change sides.
PIXELS_OFF = 2e-3
TEST_CFGS = {
    'scores': dict(mode='whole'),
    'label maps': dict(mode='whole', seg_logits=False),
    'resized first': dict(mode='whole', postprocess='before'),
    'general': dict(mode='whole', semantic='general'),
    'all tasks': dict(mode='whole', panoptic=LOW, instance=dict(max_per_image=6)),
    'panoptic': dict(mode='whole', semantic=False, panoptic=LOW),
    'slide': dict(mode='slide', crop_size=(32, 32), stride=(24, 24)),
}


def predict(device: str, test_cfg: dict, batch: dict) -> list[SegDataSample]:
    model = build().to(device)
    model.test_cfg, model.dataset_meta = ConfigDict(test_cfg), META
    with torch.no_grad():
        return model.test_step(copy.deepcopy(batch))


def part_off(found: torch.Tensor, expected: torch.Tensor) -> float:
    assert found.shape == expected.shape
    return (found.cpu() != expected).float().mean().item()


@pytest.mark.parametrize('name', TEST_CFGS)
def test_predictions_equal_the_cpu(name, device):
    batch = images((64, 128)) if name == 'slide' else images((64, 128), (60, 90))
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(ori_shape=(100, 150)))
    pairs = list(zip(*(predict(place, TEST_CFGS[name], batch) for place in (device, 'cpu'))))
    for found, expected in pairs:
        assert set(found.keys()) == set(expected.keys())
        for key in ('pred_sem_seg', 'pred_panoptic_seg'):
            if key in expected:
                assert found.get(key).data.device.type == device
                assert part_off(found.get(key).data, expected.get(key).data) <= PIXELS_OFF
        if 'seg_logits' in expected:
            scores = (sample.seg_logits.data.cpu() for sample in (found, expected))
            torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-3)
        if 'pred_instances' in expected:
            assert found.pred_instances.labels.tolist() == expected.pred_instances.labels.tolist()
            assert part_off(found.pred_instances.masks, expected.pred_instances.masks) <= PIXELS_OFF


@pytest.mark.parametrize('kind', [ClassIoU, PanopticQuality, SemanticPanopticQuality, InstanceAP])
def test_metrics_of_results_on_the_device(kind, device):
    """To the last digit: nothing of a metric is computed on the device."""
    samples = [draw_sample(number) for number in range(4)]
    expected = evaluate(kind(), samples, METRIC_META)
    found = evaluate(kind(), [sample.to(device) for sample in samples], METRIC_META)
    assert {name: repr(float(value)) for name, value in found.items()} == {
        name: repr(float(value)) for name, value in expected.items()
    }
    assert any(value > 0 for value in expected.values())


@pytest.mark.usefixtures('deterministic')
@pytest.mark.parametrize('name', TEST_CFGS)
def test_predictions_have_a_deterministic_form(name, gpu):
    torch.use_deterministic_algorithms(True)
    batch = images((64, 128))
    (first,), (second,) = (predict(gpu, TEST_CFGS[name], batch) for _ in range(2))
    for part, found in first.items():
        expected = second.get(part)
        if isinstance(found, list):  # descriptions of panoptic segments
            assert found == expected
        else:
            for key, value in found.items():
                assert torch.equal(torch.as_tensor(value), torch.as_tensor(expected.get(key)))


@pytest.mark.usefixtures('deterministic')
@pytest.mark.parametrize('kind', [ClassIoU, PanopticQuality, SemanticPanopticQuality, InstanceAP])
def test_metrics_have_a_deterministic_form(kind, gpu):
    torch.use_deterministic_algorithms(True)
    assert evaluate(kind(), [draw_sample(number).to(gpu) for number in range(4)], METRIC_META)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp('weights') / 'tiny.pth')


def test_inferencer_equals_the_cpu(weights, device):
    images = [draw(64, 128, 0), draw(60, 90, 1), draw(90, 70, 2)]
    expected = MaskFormerInferencer(weights=weights, device='cpu', tasks=ALL_TASKS)(images, batch_size=2)
    inferencer = MaskFormerInferencer(weights=weights, device=device, tasks=ALL_TASKS)
    assert next(inferencer.model.parameters()).device.type == device
    for one, other in zip(inferencer(images, batch_size=2), expected):
        assert np.mean(one.semantic != other.semantic) <= PIXELS_OFF
        assert np.mean(one.panoptic != other.panoptic) <= PIXELS_OFF
        assert list(one.segments.names) == list(other.segments.names)
        np.testing.assert_allclose(one.segments.scores, other.segments.scores, atol=1e-3)
        np.testing.assert_allclose(one.instances.scores, other.instances.scores, atol=1e-3)
        assert one.to_json()


@pytest.mark.parametrize('dtype', ['bf16', 'fp16'])
def test_inferencer_in_half_precision(weights, cuda, dtype):
    image = draw(64, 128)
    (exact,) = MaskFormerInferencer(weights=weights, device='cpu')(image)
    (found,) = MaskFormerInferencer(weights=weights, device=cuda, dtype=dtype)(image)
    assert np.mean(found.semantic == exact.semantic) > 0.8


def test_inferencer_by_the_name_of_a_gpu(weights, cuda):
    for name in ('cuda:0', 'auto', torch.device('cuda', 0)):
        model = MaskFormerInferencer(weights=weights, device=name).model
        assert {parameter.device.type for parameter in model.parameters()} == {'cuda'}
    moved = MaskFormerInferencer(build().to(cuda), classes=META, pipeline=[dict(type='LoadImageFromFile')])
    assert moved.device.type == 'cuda'


@pytest.mark.parametrize('name', ['cuda:99', 'gpu'])
def test_inferencer_refuses_a_device_that_is_not_there(weights, device, name):
    with pytest.raises(ValueError, match=f"device='{name}'"):
        MaskFormerInferencer(weights=weights, device=name)


def test_official_file(device, tmp_path):
    """A model on a GPU is written as it is on the CPU."""
    model = golden_model('semantic_r')
    write_official(model, tmp_path / 'cpu.pkl')
    write_official(model.to(device), tmp_path / 'device.pkl')
    cpu, found = (
        pickle.loads((tmp_path / f'{name}.pkl').read_bytes())['model'] for name in ('cpu', 'device')
    )
    assert cpu.keys() == found.keys()
    assert all(np.array_equal(value, cpu[name]) for name, value in found.items())
