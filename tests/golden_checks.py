"""Checks of golden outputs, on any device.

On a GPU rounding differs, so a pixel may go to the other of two segments with equal scores: ``pixels_off`` is
the part of an image that may. On a CPU every pixel is as in the official results.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from golden_outputs import (
    assert_parity,
    golden_arrays,
    golden_batch,
    golden_config,
    golden_model,
    golden_path,
)
from torch import Tensor, nn

from mmmaskformer.checkpoints import build_model, load_strictly, read_checkpoint
from mmmaskformer.checkpoints.rules import rename
from mmmaskformer.checkpoints.tables import recognize
from mmmaskformer.functional.postprocess import instances, panoptic_segments
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.functional.semantic_inference import image_scores
from mmmaskformer.functional.targets import label_map_to_segments
from mmmaskformer.models import Mask2FormerHead
from mmmaskformer.structures import MaskPrediction

MASK_MODELS = ['semantic_r', 'semantic_rc', 'semantic_swin', 'panoptic_r']
PER_PIXEL = ['per_pixel', 'per_pixel_plus']
HUGGINGFACE = ['hf_swin', 'hf_resnet']
POSTPROCESS_CASES = range(6)
THRESHOLDS = [(0.8, 0.8), (0.5, 0.6)]
IS_THING = [True] * 4 + [False] * 4
OFFICIAL_LOSSES = {
    'loss_cls': 'loss_ce',
    'loss_mask': 'loss_mask',
    'loss_dice': 'loss_dice',
    'loss_ce': 'loss_sem_seg',
}


def official_name_of(name: str) -> dict[str, str]:
    """Our parameter names -> the official ones, through the converter's own table."""
    official = [key.removeprefix('gradnorm/') for key in golden_arrays(name) if key.startswith('gradnorm/')]
    buffers = [key for key in official if key == 'criterion.empty_weight']
    names = {key: torch.zeros(4) for key in official if key not in buffers}
    rules = [rule._replace(transform=None) for rule in recognize(names).table(names)]
    return {next(iter(rename({key: value}, rules))): key for key, value in names.items()}


def golden_input(name: str, device: str) -> Tensor:
    return torch.from_numpy(golden_arrays(name)['input']).to(device)


def check_input(name: str, device: str) -> None:
    batch = golden_model(name).to(device).data_preprocessor(golden_batch(name), training=True)
    assert_parity(batch['inputs'], golden_arrays(name)['input'], 'input')


def check_backbone(name: str, device: str) -> None:
    model, golden = golden_model(name).eval().to(device), golden_arrays(name)
    with torch.no_grad():
        features = model.extract_feat(golden_input(name, device))
    for i, feature in enumerate(features):
        assert_parity(feature, golden[f'feat_res{i + 2}'], f'res{i + 2}')


def check_head(name: str, device: str) -> None:
    model, golden = golden_model(name).eval().to(device), golden_arrays(name)
    with torch.no_grad():
        features = model.extract_feat(golden_input(name, device))
        layers = model.decode_head(features)
    assert_parity(torch.stack([layer.class_logits for layer in layers]), golden['class_logits'], 'classes')
    assert_parity(torch.stack([layer.mask_logits for layer in layers]), golden['mask_logits'], 'masks')
    last = model.decode_head.predict_masks(features)
    assert_parity(last.mask_logits, golden['mask_logits'][-1], 'masks of the last layer alone')


def check_matches(name: str, device: str) -> None:
    model, golden = golden_model(name).eval().to(device), golden_arrays(name)
    batch = model.data_preprocessor(golden_batch(name), training=True)
    with torch.no_grad():
        layers = model.decode_head(model.extract_feat(batch['inputs']))
    segments = [model.decode_head._segments(sample) for sample in batch['data_samples']]
    for i, layer in enumerate(model.decode_head.criterion.assigner(layers, segments)):
        for k, match in enumerate(layer):
            assert torch.stack(match).tolist() == golden[f'match_{i}_{k}'].tolist(), f'layer {i}, image {k}'
    for k, target in enumerate(segments):
        assert target.labels.tolist() == golden[f'labels_{k}'].tolist()


def check_losses_and_gradients(name: str, device: str, gradient_tolerance: float = 1e-3) -> None:
    model, golden = golden_model(name).train().to(device), golden_arrays(name)
    batch = model.data_preprocessor(golden_batch(name), training=True)
    losses = model.loss(**batch)
    seen = set()
    for key, value in losses.items():
        layer, kind = re.fullmatch(r'decode\.(?:d(\d)\.)?(loss_\w+)', key).groups()
        golden_key = f'loss/{OFFICIAL_LOSSES[kind]}' + (f'_{layer}' if layer else '')
        assert_parity(value, golden[golden_key], golden_key)
        seen.add(golden_key)
    assert seen == {key for key in golden if key.startswith('loss/')}
    total, _ = model.parse_losses(losses)
    assert_parity(total, golden['total_loss'], 'total')

    total.backward()
    names = official_name_of(name)
    ours = {key: p.grad.norm() for key, p in model.named_parameters() if p.requires_grad}
    assert set(ours) == set(names), 'other parameters train than in the official model'
    golden_norms = torch.stack([torch.as_tensor(golden[f'gradnorm/{names[key]}']) for key in ours])
    assert_parity(torch.stack(list(ours.values())), golden_norms.flatten(), 'gradient norms')
    for key, norm in ours.items():  # each by its own magnitude too, where it is more than rounding
        expected = float(golden[f'gradnorm/{names[key]}'])
        assert float(norm) == pytest.approx(expected, rel=gradient_tolerance, abs=1e-5), key


def check_scores(name: str, device: str, pixels_off: float = 0.0) -> None:
    """Scores at height 2h, width 2w - 1, from a batch of two sizes."""
    model, golden = golden_model(name).eval().to(device), golden_arrays(name)
    model.dataset_meta = dict(classes='abcde', thing_classes='abc')
    with torch.no_grad():
        samples = model.test_step(golden_batch(name))
    for k, sample in enumerate(samples):
        assert_parity(sample.seg_logits.data[:, ::3, ::3], golden[f'sem_seg_{k}'], f'scores of image {k}')
        if f'panoptic_{k}' in golden:
            assert_same_pixels(sample.pred_panoptic_seg.data[0], golden[f'panoptic_{k}'], pixels_off)
            expected = json.loads(str(golden[f'panoptic_info_{k}']))
            assert without_scores(sample.pred_segments_info) == expected


def huggingface_model(name: str) -> nn.Module:
    found = read_checkpoint(golden_path(name))
    model = build_model(golden_config(name)).eval()
    load_strictly(model, found.state, name, found)
    return model


def check_huggingface(name: str, device: str) -> None:
    """HuggingFace's loss is that of the last layer: its current releases have no deep supervision."""
    model, golden = huggingface_model(name).to(device), golden_arrays(name)
    pixels, ids = (torch.from_numpy(golden[key]).to(device) for key in ('pixel_values', 'ids'))
    with torch.no_grad():
        last = model.decode_head(model.extract_feat(pixels))[-1]
        segments = [label_map_to_segments(label_map, 5, 255) for label_map in ids]
        losses = model.decode_head.criterion([last], segments)
    assert_parity(last.class_logits, golden['class_logits'], 'classes')
    assert_parity(last.mask_logits, golden['mask_logits'], 'masks')
    assert sum(losses.values()).item() == pytest.approx(golden['loss'].item(), rel=1e-4)


def postprocess_case(i: int, device: str = 'cpu') -> tuple[MaskPrediction, OutputSize]:
    arrays = golden_arrays('postprocess')
    prediction = MaskPrediction(
        *(torch.from_numpy(arrays[f'{key}_{i}']).to(device) for key in ('cls', 'mask'))
    )
    padded, image, output = arrays[f'sizes_{i}'].reshape(3, 2).tolist()
    return prediction, OutputSize(padded, image, output)


def check_panoptic(i: int, thresholds: tuple[float, float], device: str, pixels_off: float = 0.0) -> None:
    arrays, (prediction, size) = golden_arrays('postprocess'), postprocess_case(i, device)
    found = panoptic_segments(prediction, size, IS_THING, *thresholds)
    assert_same_pixels(found.ids, arrays[f'pan_{i}_{thresholds[0]}'], pixels_off)
    expected = json.loads(str(arrays[f'pan_info_{i}_{thresholds[0]}']))
    assert without_scores(found.segments_info) == expected


def check_semantic(i: int, device: str, pixels_off: float = 0.0) -> None:
    arrays, (prediction, size) = golden_arrays('postprocess'), postprocess_case(i, device)
    for name in ('before', 'after'):
        scores = image_scores(prediction, size, before=name == 'before')
        assert_parity(scores[:, ::7, ::11], arrays[f'sem_{name}_{i}'], name)
        assert_same_pixels(scores.argmax(0), arrays[f'sem_{name}_argmax_{i}'], pixels_off)


def assert_same_pixels(found: Tensor, expected: np.ndarray, pixels_off: float) -> None:
    assert found.shape == expected.shape
    assert np.mean(found.cpu().numpy() != expected) <= pixels_off


def without_scores(segments_info: list[dict]) -> list[dict]:
    return [{key: value for key, value in segment.items() if key != 'score'} for segment in segments_info]


def check_mask2former_rules(i: int, device: str, pixels_off: float = 0.0) -> None:
    """Panoptic, semantic and instance results of random predictions at the official thresholds."""
    arrays = golden_arrays('m2f_post')
    parts = (torch.from_numpy(arrays[f'{key}_{i}']).to(device) for key in ('cls', 'mask'))
    prediction, size = MaskPrediction(*parts), OutputSize(*arrays[f'sizes_{i}'].reshape(3, 2).tolist())
    found = Mask2FormerHead.panoptic_segments(prediction, size, IS_THING)
    assert_same_pixels(found.ids, arrays[f'pan_{i}'], pixels_off)
    assert without_scores(found.segments_info) == json.loads(str(arrays[f'pan_info_{i}']))
    scores = image_scores(prediction, size, before=True)
    assert_same_pixels(scores.argmax(0), arrays[f'sem_{i}'], pixels_off)
    for task, is_thing in (('panoptic', IS_THING), ('instance', [True] * 8)):
        objects = instances(prediction, size, is_thing, max_per_image=30, stuff_competes=True)
        key = f'inst_{task}_'
        expected = torch.from_numpy(arrays[f'{key}scores_{i}'])
        torch.testing.assert_close(objects.scores.cpu(), expected, rtol=1e-4, atol=1e-6)
        theirs = zip(arrays[f'{key}classes_{i}'].tolist(), arrays[f'{key}areas_{i}'].tolist())
        ours = zip(objects.labels.tolist(), objects.masks.sum((1, 2)).tolist())
        assert sorted(ours) == sorted(theirs)  # equal scores have no order
