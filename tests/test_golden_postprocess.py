"""Inference equals the official code's on random predictions: tests/golden/postprocess.npz."""

from __future__ import annotations

import pytest
import torch
from golden_checks import (
    POSTPROCESS_CASES,
    THRESHOLDS,
    check_panoptic,
    check_semantic,
    postprocess_case,
)
from golden_outputs import golden_arrays

from mmmaskformer.functional.label_map_by_bands import semantic_label_map
from mmmaskformer.functional.resizing import BAND_VALUES
from mmmaskformer.functional.semantic_inference import image_scores


@pytest.mark.parametrize('thresholds', THRESHOLDS)
@pytest.mark.parametrize('i', POSTPROCESS_CASES)
def test_panoptic(i, thresholds):
    check_panoptic(i, thresholds, 'cpu')


@pytest.mark.parametrize('i', POSTPROCESS_CASES)
def test_semantic(i):
    check_semantic(i, 'cpu')


@pytest.mark.parametrize('rows_at_once', [1, 7, 1000])  # all of them: the very operations of the scores
@pytest.mark.parametrize('i', POSTPROCESS_CASES)
def test_label_maps_of_bands(i, rows_at_once, monkeypatch):
    arrays, (prediction, size) = golden_arrays('postprocess'), postprocess_case(i)
    monkeypatch.setitem(BAND_VALUES, 'cpu', rows_at_once * 20 * max(size.image[1], size.output[1]))
    for name in ('before', 'after'):
        labels = semantic_label_map(prediction, size, before=name == 'before')
        different = labels[0] != torch.from_numpy(arrays[f'sem_{name}_argmax_{i}'])
        if rows_at_once < 1000:  # a band may round otherwise where the two best scores are equal to 1e-6
            first, second = image_scores(prediction, size, before=name == 'before').topk(2, 0)[0]
            different &= first - second > 1e-6
        assert not different.any()
