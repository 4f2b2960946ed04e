"""Parity with the official Mask2Former and HuggingFace's, on random weights and the points they drew."""

from __future__ import annotations

from collections.abc import Iterator

import golden_checks as checks
import numpy as np
import pytest
import torch
from golden_outputs import assert_parity, golden_arrays, golden_batch, golden_model
from torch import Tensor

from mmmaskformer.functional.point_sampling import DrawPoints, uncertain_points
from mmmaskformer.functional.targets import label_map_to_segments
from mmmaskformer.models import Mask2FormerCriterion, PointAssigner, criterion_mask2former


@pytest.fixture(params=['m2f_panoptic_r', 'm2f_semantic_swin'])
def name(request) -> str:
    return request.param


def replay(stored: Iterator[np.ndarray]) -> DrawPoints:
    """Gives stored points where random ones are drawn, if as many are asked for."""

    def draw(num_sets: int, num_points: int, device: torch.device) -> Tensor:
        return torch.from_numpy(next(stored)).reshape(num_sets, num_points, 2).to(device)

    return draw


@pytest.fixture
def golden_points(name, monkeypatch) -> None:
    """Matching and losses at the stored points: those drawn for the matching, and those chosen at last."""
    golden = golden_arrays(name)
    layers = range(len(golden['class_logits']))
    matching = (golden[f'match_points_{i}_{k}'] for k in (0, 1) for i in layers)
    chosen = (golden[f'loss_points_{i}'] for i in layers)
    monkeypatch.setattr(PointAssigner, 'draw_points', staticmethod(replay(matching)))
    monkeypatch.setattr(criterion_mask2former, 'uncertain_points', lambda *_: torch.from_numpy(next(chosen)))


def test_input(name):
    checks.check_input(name, 'cpu')


def test_backbone(name):
    checks.check_backbone(name, 'cpu')


def test_pixel_decoder(name):
    model, golden = golden_model(name).eval(), golden_arrays(name)
    decoder, tokens = model.decode_head.pixel_decoder, []
    decoder.layers[0].register_forward_hook(lambda module, inputs, output: tokens.append(output))
    with torch.no_grad():
        pixels = decoder(model.extract_feat(checks.golden_input(name, 'cpu')))
    assert_parity(tokens[0], golden['encoder_layer_0'], 'first encoder layer')
    assert_parity(pixels.mask_features, golden['mask_features'], 'mask features')
    for i, scale in enumerate(pixels.memory):
        assert_parity(scale, golden[f'multi_scale_{i}'], f'scale {i}')


def test_every_prediction(name):
    checks.check_head(name, 'cpu')


@pytest.mark.usefixtures('golden_points')
def test_matches(name):
    checks.check_matches(name, 'cpu')


def test_matching_costs(name):
    model, golden = golden_model(name).eval(), golden_arrays(name)
    assigner = model.decode_head.criterion.assigner
    batch = model.data_preprocessor(golden_batch(name), training=True)
    with torch.no_grad():
        layers = model.decode_head(model.extract_feat(batch['inputs']))
    for k, sample in enumerate(batch['data_samples']):
        stored = (golden[f'match_points_{i}_{k}'] for i in range(len(layers)))
        assigner.draw_points = replay(stored)
        for i, cost in enumerate(assigner._image_costs(layers, k, model.decode_head._segments(sample))):
            assert_parity(cost, golden[f'cost_{i}_{k}'], f'costs of layer {i}, image {k}')


@pytest.mark.usefixtures('golden_points')
def test_losses_and_gradients(name):
    checks.check_losses_and_gradients(name, 'cpu')


def test_chosen_points(name):
    """Where the last uncertainty that is chosen and the first that is not differ by more than rounding."""
    golden = golden_arrays(name)
    for i, masks in enumerate(torch.from_numpy(golden['mask_logits'])):
        rows = torch.cat([masks[k, golden[f'match_{i}_{k}'][0]] for k in (0, 1)])
        stored = golden[f'loss_points_{i}']
        drawn = replay(iter([golden[f'loss_oversampled_{i}'], golden[f'loss_random_{i}']]))
        found = uncertain_points(rows, stored.shape[1], draw_points=drawn)
        if golden[f'topk_margin_{i}'] > 1e-5:
            for ours, theirs in zip(found.tolist(), stored.tolist()):
                assert sorted(ours) == sorted(theirs), i


def test_scores_and_segments(name):
    checks.check_scores(name, 'cpu')


def test_instances():
    name = 'm2f_panoptic_r'
    model, golden = golden_model(name).eval(), golden_arrays(name)
    model.dataset_meta = dict(classes='abcde', thing_classes='abc')
    with torch.no_grad():
        samples = model.test_step(golden_batch(name))
    for k, sample in enumerate(samples):
        order = np.argsort(-golden[f'inst_scores_{k}'], kind='stable')
        found = sample.pred_instances
        assert_parity(found.scores, golden[f'inst_scores_{k}'][order], 'scores')
        assert found.labels.tolist() == golden[f'inst_classes_{k}'][order].tolist()
        masks = np.packbits(found.masks[:, ::2, ::2].numpy(), axis=-1)
        assert np.array_equal(masks, golden[f'inst_masks_{k}'][order])


@pytest.mark.parametrize('i', range(4))
def test_rules_of_inference(i):
    checks.check_mask2former_rules(i, 'cpu')


def test_huggingface():
    """Logits to 1e-5, and the loss of all predictions at the points that were drawn there."""
    name = 'hf_mask2former_swin'
    model, golden = checks.huggingface_model(name), golden_arrays(name)
    pixels, ids = (torch.from_numpy(golden[key]) for key in ('pixel_values', 'ids'))
    features = model.extract_feat(pixels)
    for i, feature in enumerate(features):
        assert_parity(feature, golden[f'backbone_{i}'], f'backbone {i}', 1e-5)
    decoded = model.decode_head.pixel_decoder(features)
    expected = golden['pixel_decoder_last_hidden_state']
    assert_parity(decoded.mask_features, expected, 'mask features', 1e-5)
    layers = model.decode_head(features)
    for key in ('class_logits', 'mask_logits'):
        found = torch.stack([getattr(layer, key) for layer in layers])
        assert_parity(found, golden[key], key, 1e-5)
    criterion, num = model.decode_head.criterion, len(layers)
    turns = [4 * ((i + 1) % num) for i in range(num)]  # theirs begin with the last prediction
    criterion.assigner.draw_points = replay(golden[f'drawn_{turn + k}'] for k in (0, 1) for turn in turns)
    criterion.draw_points = replay(golden[f'drawn_{turn + k}'] for turn in turns for k in (2, 3))
    losses = criterion(layers, [label_map_to_segments(one, 5, 255) for one in ids])
    assert_parity(sum(losses.values()), golden['loss'], 'loss')


def test_points_are_random_by_default():
    first, second = (Mask2FormerCriterion.draw_points(2, 3, torch.device('cpu')) for _ in range(2))
    assert PointAssigner.draw_points is Mask2FormerCriterion.draw_points
    assert first.shape == (2, 3, 2)
    assert not torch.equal(first, second)
    assert 0 <= first.min() < first.max() <= 1
