"""Gradient checkpointing, memory format, compilation: other ways to run, the same numbers."""

from __future__ import annotations

import copy

import pytest
import torch
from small_models import HEAD, features, images, sample, small_head
from torch._dynamo.testing import CompileCounter
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F
from training_steps import CONVS, ENCODER, QUIET, RESNET, SWIN, assert_same, build, kept_bytes, step

from mmmaskformer.models.layers import SinePositionEncoding
from mmmaskformer.models.layers.transformer_layer import _encode, _encode_once

MODEL_CONFIGS = {'ResNet': dict(decode_head=ENCODER), 'Swin': dict(backbone=SWIN)}
SIZES = ((64, 96), (64, 64))


@pytest.mark.parametrize('name', MODEL_CONFIGS)
def test_checkpointing_changes_nothing_but_memory(name):
    """Dropout, drop path and the statistics of batch norms included."""
    plain, lean = build(**MODEL_CONFIGS[name]), build(**MODEL_CONFIGS[name], with_cp=True)
    batch = images(*SIZES)
    initial = {name: b.clone() for name, b in lean.named_buffers() if 'running' in name}
    expected = step(plain, batch)
    assert_same(step(lean, batch), expected, 0.0)
    assert all((expected[name] != before).any() for name, before in initial.items())
    assert kept_bytes(lean, batch) < 0.6 * kept_bytes(plain, batch)
    assert lean.state_dict().keys() == plain.state_dict().keys()


def test_a_copy_of_a_checkpointed_model_uses_its_own_weights():
    """As the exponential moving average's does."""
    model = build(with_cp=True)
    batch = images(*SIZES)
    before = step(model, batch)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    assert_same(step(build(), batch), before, 0.0)
    assert step(other, batch)['decode.loss_cls'] != before['decode.loss_cls']


@pytest.mark.parametrize('part', ['pixel_decoder', 'transformer_decoder'])
def test_checkpointing_of_one_decoder(part):
    configs = {name: dict(ENCODER[name]) for name in ENCODER}
    configs[part]['with_cp'] = True
    plain, lean = build(decode_head=ENCODER, **CONVS), build(decode_head=configs, **CONVS)
    batch = images(*SIZES)
    assert_same(step(lean, batch), step(plain, batch), 0.0)
    assert kept_bytes(lean, batch) < kept_bytes(plain, batch)


def test_checkpointing_needs_a_backbone_that_can():
    with pytest.raises(ValueError, match='with_cp=True: no block of the backbone FourConvs supports'):
        build(**CONVS, with_cp=True)


def test_channels_last():
    plain, other = (
        build(decode_head=QUIET, channels_last=switch, backbone=RESNET) for switch in (False, True)
    )
    batch, layouts = images(*SIZES), []
    conv = other.decode_head.pixel_decoder.output_convs[0]
    conv.register_forward_hook(lambda module, inputs, output: layouts.extend([*inputs, output]))
    assert_same(step(other, batch), step(plain, batch), 1e-4)
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in layouts)
    assert len(layouts) == 2


@pytest.mark.parametrize(
    ('changes', 'gpu', 'expected'),
    [
        (dict(backbone=RESNET), False, True),
        (dict(backbone=RESNET), True, False),
        (dict(backbone=SWIN), False, True),
        (CONVS, False, False),
    ],
)
def test_channels_last_is_chosen_where_it_is_faster(changes, gpu, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    weight = build(**changes).decode_head.pixel_decoder.output_convs[0].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) == expected


def test_channels_last_is_not_chosen_where_it_corrupts_memory(monkeypatch):
    """With 8 channels where a strided 1x1 convolution reads; it crashed training on CPUs with AVX-512."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for capability, expected in (('AVX2', True), ('AVX512', False)):
        monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda name=capability: name)
        weight = build().decode_head.pixel_decoder.output_convs[0].conv.weight
        assert weight.is_contiguous(memory_format=torch.channels_last) == expected
    with pytest.warns(UserWarning, match='channels_last=True: PyTorch corrupts memory'):
        build(channels_last=True)


def test_compiled():
    """Few compilations serve all sizes, in training and in prediction, and results stay as they are."""
    torch._dynamo.reset()
    counter = CompileCounter()
    shallow = {**HEAD, 'transformer_decoder': {**HEAD['transformer_decoder'], 'num_layers': 1}}
    parts = 'pixel_decoder', 'transformer_decoder'
    plain, compiled = (
        build(decode_head=shallow, **CONVS),
        build(
            decode_head={name: {**shallow[name], 'with_cp': True} for name in parts},
            compile=dict(backend=counter),
            **CONVS,
        ),
    )
    counts = []
    for size in ((64, 96), (96, 128), (160, 64)):
        batch = images(size, size)
        assert_same(step(compiled, batch), step(plain, batch), 1e-5)
        counts.append(counter.frame_count)
    assert counts[0] == 3  # backbone, pixel decoder, transformer decoder
    assert counts[-1] == counts[1]
    results = []
    for model in (plain.eval(), compiled.eval()):
        with torch.no_grad():
            results.append(model.test_step(copy.deepcopy(batch))[0].seg_logits.data)
    torch.testing.assert_close(*results)
    assert copy.deepcopy(compiled).state_dict().keys() == plain.state_dict().keys()
    torch._dynamo.reset()


def test_compiled_as_a_whole():
    """MMEngine's own switch compiles the training step: matching and losses stay with the host."""
    torch._dynamo.reset()
    head = small_head(transformer_decoder={**HEAD['transformer_decoder'], 'num_layers': 1})
    maps, ground_truth = features(), [sample(torch.randint(0, 4, (64, 96))) for _ in range(2)]
    expected = head.loss(maps, ground_truth)
    for name, value in torch.compile(head.loss, backend='eager')(maps, ground_truth).items():
        torch.testing.assert_close(value, expected[name])
    torch._dynamo.reset()


def test_positions_are_computed_once_for_each_shape():
    encoding, maps = SinePositionEncoding(8), torch.zeros(2, 3, 5, 7)
    assert encoding(maps) is encoding(maps + 1)
    assert encoding(maps).shape == (1, 8, 5, 7)
    assert encoding(maps.double()).dtype == torch.float64


def test_positions_of_inference_serve_training():
    """Inference mode makes tensors that no backward pass may keep; these are kept for later."""
    _encode_once.cache_clear()
    model, batch = build(decode_head=ENCODER, with_cp=True), images((64, 96))
    with torch.inference_mode():
        model.test_step(copy.deepcopy(batch))
    assert _encode_once.cache_info().currsize == 1
    step(model, batch)
    assert _encode_once.cache_info().hits > 0


def test_traced_positions_are_not_kept():
    encoding = SinePositionEncoding(8)
    with FakeTensorMode():
        encoding(torch.zeros(1, 3, 11, 13))
    positions = encoding(torch.zeros(1, 3, 11, 13))
    torch.testing.assert_close(positions, _encode(11, 13, 8, 10000.0, torch.float32, torch.device('cpu')))


@pytest.mark.parametrize('training', [True, False])
def test_every_attention_is_scaled_dot_product_attention(training, monkeypatch):
    """One of each encoder layer, two of each decoder layer; no matrix of weights is asked for."""
    calls = []
    fused = F.scaled_dot_product_attention

    def counted(*args, **kwargs):
        calls.append(args)
        return fused(*args, **kwargs)

    monkeypatch.setattr(F, 'scaled_dot_product_attention', counted)
    head = small_head(**ENCODER).train(training)
    with torch.set_grad_enabled(training):
        head.predict_masks(features())
    assert len(calls) == 1 + 2 * 2
