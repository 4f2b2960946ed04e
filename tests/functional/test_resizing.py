from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mmmaskformer.functional.folded_convolution import convolve_products
from mmmaskformer.functional.label_map_by_bands import semantic_label_map
from mmmaskformer.functional.resizing import (
    BAND_VALUES,
    OutputSize,
    RowResizer,
    bands,
    resize_masks,
)
from mmmaskformer.functional.semantic_inference import best_index, image_scores, semantic_scores
from mmmaskformer.structures import MaskPrediction

SIZES = [
    OutputSize((64, 96), (64, 96), (64, 96)),
    OutputSize((64, 96), (60, 75), (60, 75)),
    OutputSize((64, 96), (60, 75), (33, 41)),
    OutputSize((64, 96), (60, 75), (150, 187)),
    OutputSize((61, 93), (61, 93), (20, 200)),
]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('step', [1, 7, 1000])
def test_bands_of_rows_are_the_whole(size, step):
    logits = torch.randn(3, 16, 24)
    rows = range(0, size.output[0], step)
    resizer = RowResizer(16, size)
    parts = []
    for start in rows:
        stop = min(start + step, size.output[0])
        first, last = resizer.sources(start, stop)
        parts.append(resizer.resize(logits[:, first:last].permute(1, 2, 0), start, stop).clone())
    whole = resize_masks(logits, size).permute(1, 2, 0)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-5, atol=1e-5)


def test_bands_cover_all_rows_once(monkeypatch):
    monkeypatch.setitem(BAND_VALUES, 'cpu', 100)
    assert list(bands(10, 33, torch.device('cpu'))) == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert list(bands(2, 1000, torch.device('cpu'))) == [(0, 1), (1, 2)]


def test_best_index_is_argmax_with_the_first_of_equals():
    maps = torch.randint(0, 4, (9, 50, 60)).float()
    expected = torch.tensor([column.index(max(column)) for column in maps.flatten(1).T.tolist()])
    assert torch.equal(best_index(maps).flatten(), expected)
    assert best_index(torch.tensor([[-torch.inf, -3.0], [-torch.inf, -2.0]])).tolist() == [0, 1]


@pytest.mark.parametrize('before', [False, True])
@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('num_classes', [1, 2, 11])
def test_label_map_is_that_of_all_scores(size, num_classes, before, monkeypatch):
    monkeypatch.setitem(BAND_VALUES, 'cpu', 9 * 12 * size.output[1])
    prediction = MaskPrediction(3 * torch.randn(12, num_classes + 1), 4 * torch.randn(12, 16, 24))
    if before:
        scores = image_scores(prediction, size, before=True)
    else:
        padded = semantic_scores(MaskPrediction(*(part[None] for part in prediction)), size.padded)
        cropped = padded[..., : size.image[0], : size.image[1]]
        scores = F.interpolate(cropped, size=size.output, mode='bilinear', align_corners=False)[0]
    expected = scores.argmax(0) if num_classes > 1 else torch.where(scores[0] > 0.5, 0, 255)
    labels = semantic_label_map(prediction, size, before)
    two_best = scores.topk(2, 0)[0] if num_classes > 1 else torch.cat([scores, torch.full_like(scores, 0.5)])
    certain = (two_best[0] - two_best[1]).abs() > 1e-5
    assert certain.float().mean() > 0.99
    assert torch.equal(labels[0][certain], expected[certain])


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(('num_queries', 'width'), [(0, 8), (3, 8), (20, 8), (70, 80)])
def test_convolving_products_is_multiplying_convolutions(num_queries, width, layout):
    embeddings, pixels = torch.randn(num_queries, width), torch.randn(1, 6, 5, 7)
    weight, bias = torch.randn(width, 6, 3, 3), torch.randn(width)
    features = F.conv2d(pixels, weight, bias, padding=1)[0]
    expected = torch.einsum('nc,chw->nhw', embeddings, features)
    found = convolve_products(embeddings, pixels.contiguous(memory_format=layout), weight, bias)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
