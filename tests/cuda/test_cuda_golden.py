"""Parity with the official implementation on a GPU, with TF32 off: the checks of tests/test_golden.py.

Tolerances are the CPU's, 1e-4 of the largest magnitude, with two exceptions. A thousandth of the pixels may
go to another segment, where scores are equal. The norm of one parameter's gradient may be off by half a
percent of itself, which a single ReLU can cause whose input is zero but for rounding.
"""

from __future__ import annotations

import golden_checks as checks
import pytest

PIXELS_OFF = 1e-3
every_model = pytest.mark.parametrize('name', checks.MASK_MODELS + checks.PER_PIXEL)
mask_models = pytest.mark.parametrize('name', checks.MASK_MODELS)
postprocess_cases = pytest.mark.parametrize('i', checks.POSTPROCESS_CASES)


@every_model
def test_input(name, cuda):
    checks.check_input(name, cuda)


@every_model
def test_features(name, cuda):
    checks.check_backbone(name, cuda)


@mask_models
def test_logits(name, cuda):
    checks.check_head(name, cuda)


@mask_models
def test_matches(name, cuda):
    checks.check_matches(name, cuda)


@every_model
def test_losses_and_gradient_norms(name, cuda):
    checks.check_losses_and_gradients(name, cuda, gradient_tolerance=5e-3)


@every_model
def test_predictions(name, cuda):
    checks.check_scores(name, cuda, PIXELS_OFF)


@pytest.mark.parametrize('name', checks.HUGGINGFACE)
def test_huggingface(name, cuda):
    checks.check_huggingface(name, cuda)


@postprocess_cases
@pytest.mark.parametrize('thresholds', checks.THRESHOLDS)
def test_panoptic_results(i, thresholds, cuda):
    checks.check_panoptic(i, thresholds, cuda, PIXELS_OFF)


@postprocess_cases
def test_semantic_results(i, cuda):
    checks.check_semantic(i, cuda, PIXELS_OFF)
