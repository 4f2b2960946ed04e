"""What code chooses for GPUs, tried on a CPU, gives what it chooses for CPUs."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from launch_counts import OnGpu

from mmmaskformer.functional import devices
from mmmaskformer.functional.devices import count_values
from mmmaskformer.functional.folded_convolution import convolve_products
from mmmaskformer.functional.host_steps import InSteps, steps_of, to_host, together
from mmmaskformer.functional.max_deeplab_inference import max_deeplab_segments
from mmmaskformer.functional.postprocess import instances, panoptic_segments
from mmmaskformer.functional.resizing import OutputSize, masks_at_once
from mmmaskformer.functional.semantic_inference import general_semantic_labels
from mmmaskformer.functional.targets import id_map_to_segments, label_map_to_segments
from mmmaskformer.functional.upsampled_losses import chunks, upsampled_mask_losses
from mmmaskformer.models import NoObjectCrossEntropyLoss
from mmmaskformer.models.losses.mask_losses import dice_value_and_grad, focal_value_and_grad
from mmmaskformer.models.losses.max_deeplab_losses import (
    instance_discrimination_loss,
    mask_id_cross_entropy,
    semantic_cross_entropy,
)
from mmmaskformer.structures import MaskPrediction

CUDA = torch.device('cuda')
SIZE = OutputSize((32, 48), (30, 45), (61, 40))
THINGS = [True, False, True, False]


@pytest.fixture
def as_gpu(monkeypatch):
    """Call it to let everything that follows take the choices for GPUs."""
    return lambda: monkeypatch.setattr(devices, 'SMALL_PIECES', set())


def prediction() -> MaskPrediction:
    return MaskPrediction(3 * torch.randn(9, 5), F.interpolate(4 * torch.randn(1, 9, 4, 6), (8, 12))[0])


RESULTS = {
    'panoptic': lambda p: panoptic_segments(p, SIZE, THINGS, 0.2, 0.3, 0.4),
    'instance': lambda p: instances(p, SIZE, THINGS, 0.05, 12),
    'general': lambda p: general_semantic_labels(p, SIZE, 0.2, 0.4),
    'MaX-DeepLab': lambda p: max_deeplab_segments(p, SIZE, THINGS, 0.3, 0.2),
    'label map': lambda p: label_map_to_segments(p.mask_logits[0].long() % 4, 4, 3, True),
    'ids': lambda p: id_map_to_segments(
        p.mask_logits.long() % 4, [dict(id=i, category_id=1) for i in (5, 1, 3)], 2
    ),
}


@pytest.mark.parametrize('name', RESULTS)
def test_results_are_equal(name, as_gpu):
    values = prediction()
    expected = RESULTS[name](values)
    as_gpu()
    on_gpu = RESULTS[name](MaskPrediction(*(part.as_subclass(OnGpu) for part in values)))
    fields = (
        vars(expected) if hasattr(expected, '__dataclass_fields__') else getattr(expected, '_asdict', dict)()
    )
    for key, value in {**fields, '': None}.items():
        found = getattr(on_gpu, key) if key else on_gpu
        value = value if key else expected
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(found.as_subclass(torch.Tensor), value)
        elif isinstance(value, list):
            assert found == value
            assert value


@pytest.mark.parametrize('size', [(28, 36), (29, 33), (5, 7)])
@pytest.mark.parametrize('chunk_pixels', [None, 3000, 1])
def test_mask_losses_are_equal(size, chunk_pixels, as_gpu):
    logits = torch.randn(5, 7, 9, requires_grad=True)
    targets, index, weights = torch.rand(3, *size) > 0.5, torch.tensor([0, 2, 1, 1, 0]), torch.rand(2, 5)

    def losses() -> tuple:
        formulas = [focal_value_and_grad, dice_value_and_grad]
        values = upsampled_mask_losses(logits, targets, index, formulas, chunk_pixels=chunk_pixels)
        return values, torch.autograd.grad((values * weights).sum(), logits)[0]

    expected = losses()
    as_gpu()
    for ours, plain in zip(losses(), expected):
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-7)


def test_gpus_take_masks_in_few_chunks_of_one_size():
    pixels = 512 * 512
    assert chunks(108, pixels, CUDA) == [slice(0, 108)]
    assert chunks(360, pixels, CUDA) == [slice(0, 120), slice(120, 240), slice(240, 360)]
    assert len(chunks(108, pixels, CUDA, chunk_pixels=36 * pixels)) == 3
    assert len(chunks(3, pixels, CUDA, chunk_pixels=1)) == 3
    assert chunks(0, pixels, CUDA) == []


def test_gpus_resize_masks_by_their_size():
    small, large = (OutputSize(*[(side, side)] * 3) for side in (512, 4096))
    assert len(masks_at_once(100, small, CUDA)) == 1
    assert len(masks_at_once(100, large, CUDA)) == 25
    assert len(masks_at_once(100, small, torch.device('cpu'))) == 25


def test_class_losses_of_all_layers_are_those_of_each():
    loss = NoObjectCrossEntropyLoss(class_weight=[1.0, 3.0, 0.5], loss_weight=2.0)
    logits, labels = torch.randn(3, 2, 7, 4), torch.randint(0, 4, (3, 2, 7))
    each = torch.stack([loss(*layer) for layer in zip(logits, labels)])
    torch.testing.assert_close(loss.of_layers(logits, labels), each)


def test_losses_of_pixels_are_equal(as_gpu):
    masks = torch.rand(3, 40) > 0.7
    embedding, logits, classes = torch.randn(5, 40), torch.randn(6, 40), torch.randn(4, 40)
    match, labels = (torch.tensor([1, 4]), torch.tensor([2, 0])), torch.tensor([3, 0, 1])

    def losses() -> torch.Tensor:
        learns = torch.tensor([True, False, False])
        return torch.stack(
            [
                mask_id_cross_entropy(logits, masks, match),
                semantic_cross_entropy(classes, labels, masks),
                instance_discrimination_loss(embedding, masks),
                instance_discrimination_loss(embedding, masks, learns),
                instance_discrimination_loss(embedding, masks[:0]),
                semantic_cross_entropy(classes, labels[:0], masks[:0]),
            ]
        )

    expected = losses()
    as_gpu()
    torch.testing.assert_close(losses(), expected)


@pytest.mark.parametrize('num', [1, 8, 13])
def test_queries_are_padded_to_multiples_of_eight(num, as_gpu, monkeypatch):
    arguments = torch.randn(num, 16), torch.randn(1, 4, 6, 9), torch.randn(16, 4, 3, 3), torch.randn(16)
    expected = convolve_products(*arguments)
    as_gpu()
    convolved = []
    plain = F.conv2d
    monkeypatch.setattr(F, 'conv2d', lambda x, w, *a, **k: convolved.append(len(w)) or plain(x, w, *a, **k))
    torch.testing.assert_close(convolve_products(*arguments), expected)
    assert convolved == [-(-num // 8) * 8]


def test_values_are_counted(as_gpu):
    values = torch.randint(0, 5, (6, 7), dtype=torch.int32)
    expected = count_values(values, 7)
    assert expected.tolist() == [int((values == i).sum()) for i in range(7)]
    as_gpu()
    assert torch.equal(count_values(values, 7), expected)


def test_numbers_of_all_types_reach_the_host_in_one_transfer(as_gpu):
    as_gpu()
    sent = [
        torch.randn(2, 3),
        torch.tensor(7),
        torch.tensor([True, False]),
        torch.zeros(0, dtype=torch.int32),
    ]
    OnGpu.waits.clear()
    received = to_host([tensor.as_subclass(OnGpu) for tensor in sent])
    assert OnGpu.waits == {'cpu': 1}
    for one, other in zip(received, sent):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_calls_that_end_early_and_plain_functions_run_together():
    @InSteps
    def doubled(number, steps):
        for _ in range(steps):
            (number,) = yield (2 * number,)
        return int(number)

    calls = [doubled.steps(torch.tensor(1), steps) for steps in (2, 0, 3)]
    calls.append(steps_of(lambda x, y: x + y)(3, y=4))
    assert together(calls) == [4, 1, 8, 7]
    assert doubled(torch.tensor(5), steps=1) == 10
