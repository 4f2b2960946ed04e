"""Mixed precision and compilation on a device: MMEngine's training steps with a small model."""

from __future__ import annotations

import copy
import math
import shutil

import pytest
import torch
from devices import need_real_gpu
from mmengine.optim import build_optim_wrapper
from small_models import HEAD, images
from torch import nn
from training_steps import CONVS, assert_same, build, step

STEPS = 12
WRAPPERS = {
    'fp32': dict(type='OptimWrapper'),
    'bf16': dict(type='mmmaskformer.Bfloat16OptimWrapper'),
    'fp16': dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic'),
}


def learn(device: str, precision: str) -> tuple[list[float], nn.Module, object]:
    """Losses of some steps with one batch, the model, and its optimizer wrapper."""
    model = build().to(device).train()
    settings = dict(WRAPPERS[precision], optimizer=dict(type='AdamW', lr=1e-3), clip_grad=dict(max_norm=1.0))
    wrapper = build_optim_wrapper(model, settings)
    torch.manual_seed(2)
    batch = images((64, 96), (60, 90))
    losses = [model.train_step(copy.deepcopy(batch), wrapper)['loss'].item() for _ in range(STEPS)]
    return losses, model, wrapper


def check_half_precision(device: str, precision: str) -> object:
    exact, _, _ = learn(device, 'fp32')
    losses, model, wrapper = learn(device, precision)
    assert losses[0] == pytest.approx(exact[0], rel=0.02)
    assert losses[0] != exact[0]
    assert losses[-1] < 0.9 * losses[0]
    assert all(p.dtype == torch.float32 and bool(p.isfinite().all()) for p in model.parameters())
    return wrapper


def test_bfloat16(device):
    check_half_precision(device, 'bf16')


def test_float16_with_a_gradient_scaler(cuda):
    """The scale begins at 65536 and is halved at each step whose gradients overflow; later steps count."""
    wrapper = check_half_precision(cuda, 'fp16')
    scale = wrapper.loss_scaler.get_scale()
    assert 1 <= scale <= 65536
    assert math.log2(scale).is_integer()


def test_float16_step_with_infinite_gradients_is_left_out(cuda):
    model = build().to(cuda).train()
    settings = dict(
        WRAPPERS['fp16'], loss_scale=dict(init_scale=2.0**120), optimizer=dict(type='AdamW', lr=1e-3)
    )
    wrapper = build_optim_wrapper(model, settings)
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.train_step(images((64, 96)), wrapper)
    assert_same(dict(model.named_parameters()), before, 0.0)
    assert wrapper.loss_scaler.get_scale() == 2.0**119


def test_compiled_parts(device):
    """Inductor's kernels on a GPU; on the CPU what the compiler has traced, without code generation."""
    need_real_gpu(device)
    if device == 'cuda' and not any(map(shutil.which, ('cc', 'gcc', 'clang'))):
        pytest.skip('Triton needs a C compiler (cc, gcc or clang) to launch its kernels')
    head = {**HEAD, 'transformer_decoder': {**HEAD['transformer_decoder'], 'num_layers': 1}}
    backend = 'inductor' if device == 'cuda' else 'eager'
    torch._dynamo.reset()
    batch = images((64, 96), (64, 96))
    plain = build(decode_head=head, **CONVS).to(device)
    compiled = build(decode_head=head, compile=dict(backend=backend), **CONVS).to(device)
    assert_same(step(compiled, batch), step(plain, batch), 1e-3)
    with torch.no_grad():
        scores = [
            model.eval().test_step(copy.deepcopy(batch))[0].seg_logits.data for model in (plain, compiled)
        ]
    torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-4)
    torch._dynamo.reset()


def test_predictions_replay_cuda_graphs(gpu):
    """At one size, warmed up, recorded, and replayed with other images; then in batches of two sizes."""
    if not any(map(shutil.which, ('cc', 'gcc', 'clang'))):
        pytest.skip('Triton needs a C compiler (cc, gcc or clang) to launch its kernels')
    head = {**HEAD, 'transformer_decoder': {**HEAD['transformer_decoder'], 'num_layers': 1}}
    torch._dynamo.reset()
    plain = build(decode_head=head, **CONVS).to(gpu).eval()
    options = dict(mode='reduce-overhead', dynamic=False)
    compiled = build(decode_head=head, compile=options, **CONVS).to(gpu).eval()
    for sizes in (((64, 96),),) * 4 + (((64, 96), (96, 64)),) * 3:
        batch = images(*sizes)
        with torch.no_grad():
            results = [model.test_step(copy.deepcopy(batch)) for model in (plain, compiled)]
        for expected, replayed in zip(*results):
            torch.testing.assert_close(
                replayed.seg_logits.data, expected.seg_logits.data, rtol=1e-3, atol=1e-4
            )
    torch._dynamo.reset()
