"""Parity with HuggingFace's EoMT on random weights and the points it drew."""

from __future__ import annotations

import golden_checks as checks
import numpy as np
import pytest
import torch
from golden_outputs import assert_parity, golden_arrays
from test_golden_mask2former import replay
from torch import Tensor, nn

from mmmaskformer.checkpoints.rules import restore
from mmmaskformer.checkpoints.tables import eomt
from mmmaskformer.functional.targets import label_map_to_segments

NAME = 'hf_eomt'
DRAWN = 4  # for a prediction: matching of both images, candidates for the losses, points at random


@pytest.fixture
def model() -> nn.Module:
    return checks.huggingface_model(NAME)


@pytest.fixture
def pixels() -> Tensor:
    return torch.from_numpy(golden_arrays(NAME)['pixel_values'])


@pytest.mark.parametrize('probability', [0, 1])
def test_logits(model, pixels, probability):
    head, golden = model.decode_head, golden_arrays(NAME)
    head.mask_probabilities = [float(probability)] * len(head.mask_probabilities)
    with torch.no_grad():
        features = model.extract_feat(pixels)
        alone, last = head.predict_masks(features), head(features)[-1]
    for key in ('class_logits', 'mask_logits'):
        expected = golden[f'{key}_p{probability}']
        assert_parity(getattr(alone, key), expected, key, 1e-5)
        assert_parity(getattr(last, key), expected, f'{key} after all others', 1e-5)


def test_masks_of_the_checkpoint_are_on(model, pixels):
    assert model.decode_head.mask_probabilities == [1.0, 1.0]
    golden = golden_arrays(NAME)
    difference = np.abs(golden['mask_logits_p1'] - golden['mask_logits_p0']).max()
    assert difference > 1e-2 * np.abs(golden['mask_logits_p1']).max()


def test_loss_and_gradients(model, pixels):
    """The loss of all predictions at the points that were drawn, and the norm of every gradient."""
    golden, model = golden_arrays(NAME), model.train()
    drawn = [golden[key] for key in sorted(key for key in golden if key.startswith('rand_'))]
    layers = range(len(drawn) // DRAWN)
    criterion = model.decode_head.criterion
    criterion.assigner.draw_points = replay(drawn[DRAWN * i + k] for k in (0, 1) for i in layers)
    criterion.draw_points = replay(drawn[DRAWN * i + k] for i in layers for k in (2, 3))
    predictions = model.decode_head(model.extract_feat(pixels))
    assert len(predictions) == len(layers)
    segments = [label_map_to_segments(torch.from_numpy(ids), 5, 255) for ids in golden['ids']]
    total = sum(criterion(predictions, segments).values())
    assert_parity(total, golden['loss'], 'loss')
    total.backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    norms = {k: g.norm() for k, g in restore(gradients, eomt.HUGGINGFACE.rules).items()}
    expected = {k.removeprefix('gradnorm/'): v for k, v in golden.items() if k.startswith('gradnorm/')}
    assert norms.keys() == expected.keys()
    assert_parity(torch.stack([*norms.values()]), np.stack([expected[k] for k in norms]).ravel(), 'norms')
    for name, norm in norms.items():
        assert float(norm) == pytest.approx(float(expected[name]), rel=1e-4, abs=1e-5), name
