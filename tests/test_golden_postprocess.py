"""Inference equals the official code's on random predictions: tests/golden/postprocess.npz."""

from __future__ import annotations

import json

import pytest
import torch
from golden_outputs import assert_parity, golden_arrays

from mmmaskformer.functional.postprocess import panoptic_segments
from mmmaskformer.functional.resizing import BAND_VALUES, OutputSize
from mmmaskformer.functional.semantic_inference import (
    picture_scores,
    semantic_label_map,
)
from mmmaskformer.structures import MaskPrediction

CASES = range(6)
IS_THING = [True] * 4 + [False] * 4


def case(i: int) -> tuple[MaskPrediction, OutputSize]:
    arrays = golden_arrays('postprocess')
    prediction = MaskPrediction(torch.from_numpy(arrays[f'cls_{i}']), torch.from_numpy(arrays[f'mask_{i}']))
    padded, image, output = arrays[f'sizes_{i}'].reshape(3, 2).tolist()
    return prediction, OutputSize(padded, image, output)


@pytest.mark.parametrize('thresholds', [(0.8, 0.8), (0.5, 0.6)])
@pytest.mark.parametrize('i', CASES)
def test_panoptic(i, thresholds):
    arrays, (prediction, size) = golden_arrays('postprocess'), case(i)
    found = panoptic_segments(prediction, size, IS_THING, *thresholds)
    assert found.ids.tolist() == arrays[f'pan_{i}_{thresholds[0]}'].tolist()
    without_score = [{k: v for k, v in segment.items() if k != 'score'} for segment in found.segments_info]
    assert without_score == json.loads(str(arrays[f'pan_info_{i}_{thresholds[0]}']))


@pytest.mark.parametrize('i', CASES)
def test_semantic(i):
    arrays, (prediction, size) = golden_arrays('postprocess'), case(i)
    for name in ('before', 'after'):
        scores = picture_scores(prediction, size, before=name == 'before')
        assert_parity(scores[:, ::7, ::11], arrays[f'sem_{name}_{i}'], name)
        assert scores.argmax(0).tolist() == arrays[f'sem_{name}_argmax_{i}'].tolist()


@pytest.mark.parametrize('rows_at_once', [1, 7, 1000])  # all of them: the very operations of the scores
@pytest.mark.parametrize('i', CASES)
def test_label_maps_of_bands(i, rows_at_once, monkeypatch):
    arrays, (prediction, size) = golden_arrays('postprocess'), case(i)
    monkeypatch.setitem(BAND_VALUES, 'cpu', rows_at_once * 20 * max(size.image[1], size.output[1]))
    for name in ('before', 'after'):
        labels = semantic_label_map(prediction, size, before=name == 'before')
        different = labels[0] != torch.from_numpy(arrays[f'sem_{name}_argmax_{i}'])
        if rows_at_once < 1000:  # a band may round otherwise where the two best scores are equal to 1e-6
            first, second = picture_scores(prediction, size, before=name == 'before').topk(2, 0)[0]
            different &= first - second > 1e-6
        assert not different.any()
