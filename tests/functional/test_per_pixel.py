from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from mmmaskformer.functional.per_pixel import upsampled_cross_entropy

IGNORED = 255


def by_hand(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean of -log softmax over the pixels that count, one pixel after another."""
    upsampled = F.interpolate(logits, size=labels.shape[1:], mode='bilinear', align_corners=False)
    terms = []
    for image, label_map in zip(upsampled.tolist(), labels.tolist()):
        for y, row in enumerate(label_map):
            for x, label in enumerate(row):
                if label != IGNORED:
                    column = [plane[y][x] for plane in image]
                    terms.append(math.log(sum(math.exp(value) for value in column)) - column[label])
    return sum(terms) / len(terms)


def test_value_and_gradient():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (2, 12, 16))
    labels[0, :5] = IGNORED
    value = upsampled_cross_entropy(logits, labels)
    assert value.item() == pytest.approx(by_hand(logits.detach(), labels), rel=1e-6)
    value.backward()
    single = logits.detach().float().requires_grad_()
    upsampled = F.interpolate(single, size=(12, 16), mode='bilinear', align_corners=False)
    F.cross_entropy(upsampled, labels, ignore_index=IGNORED).backward()
    torch.testing.assert_close(logits.grad.float(), single.grad)


def test_equal_logits():
    assert upsampled_cross_entropy(torch.zeros(1, 7, 2, 2), torch.zeros(1, 8, 8).long()).item() == (
        pytest.approx(math.log(7))
    )


@pytest.mark.parametrize('ignore_index', [255, 65535])
def test_no_pixel_counts(ignore_index):
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    value = upsampled_cross_entropy(logits, torch.full((1, 8, 8), ignore_index), ignore_index)
    assert value == 0
    value.backward()
    assert (logits.grad == 0).all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_with_extreme_logits(dtype):
    logits = torch.full((1, 3, 4, 4), -6e4, dtype=dtype)
    logits[:, 1] = 6e4
    logits.requires_grad_()
    labels = torch.zeros(1, 16, 16, dtype=torch.uint8)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = upsampled_cross_entropy(logits, labels)
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_nothing_of_full_size_is_kept():
    sizes = []

    def note(tensor):
        sizes.append(tensor.numel())
        return tensor

    logits = torch.randn(1, 20, 4, 4, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        upsampled_cross_entropy(logits, torch.zeros(1, 32, 32).long())
    assert max(sizes, default=0) <= 32 * 32 < 20 * 32 * 32
