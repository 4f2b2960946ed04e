"""The fused mask losses: in Triton's interpreter equal to the plain formulas, compiled for a GPU, chosen."""

from __future__ import annotations

import importlib.util
import re
import warnings

import pytest
import torch
from fused_cases import CASES, random_cases

from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.upsampled_losses import upsampled_mask_losses
from mmmaskformer.models.losses import matched_mask_losses as choice
from mmmaskformer.models.losses.cross_entropy_loss import MaskCrossEntropyLoss
from mmmaskformer.models.losses.mask_losses import MaskDiceLoss, MaskFocalLoss

needs_triton = pytest.mark.skipif(not importlib.util.find_spec('triton'), reason='Triton is not installed')
TERMS = [MaskFocalLoss(), MaskDiceLoss()]


def differences(warm_python, number: int) -> dict[str, float]:
    script = ['tests/functional/fused_cases.py', str(number)]
    printed = warm_python(None, *script, TRITON_INTERPRET='1').stdout
    return {name: float(value) for name, value in re.findall(r'^(.+): (\S+)$', printed, re.M)}


@needs_triton
@pytest.mark.slow
def test_kernels_equal_plain_formulas(warm_python):
    found = differences(warm_python, 1)
    assert found.keys() == {*CASES, *random_cases(1)}
    assert {name: value for name, value in found.items() if not value < 1} == {}


@needs_triton
@pytest.mark.soak
def test_kernels_equal_plain_formulas_over_random_shapes(warm_python):
    found = differences(warm_python, 100)
    assert len(found) == len(CASES) + 100
    assert {name: value for name, value in found.items() if not value < 1} == {}


@needs_triton
@pytest.mark.slow
def test_kernels_compile_for_a_gpu_that_is_not_there(tmp_path, monkeypatch):
    """Triton needs no GPU to compile, so faults of syntax and type show on any machine."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from mmmaskformer.functional import fused_mask_kernels as kernels

    monkeypatch.setenv('TRITON_CACHE_DIR', str(tmp_path))
    types = dict(targets='*u8', valid='*u8', index='*i64', sums='*fp32', factors='*fp32')
    types |= dict(logits='*bf16', grads='*bf16', scale_y='fp32', scale_x='fp32')
    types |= dict.fromkeys(('h', 'w', 'H', 'W', 'num_parts'), 'i32')
    settings = dict(gamma=2.0, has_valid=True)
    for kernel, constants in (
        (kernels.mask_sums, dict(settings, alpha=0.25, block=1024, steps=8)),
        (kernels.mask_gradients, dict(settings, reach=8, columns=8, block=128)),
    ):
        signature = {name: types.get(name, 'constexpr') for name in kernel.arg_names}
        source = ASTSource(kernel, signature, constexprs=constants)
        compiled = triton.compile(source, target=GPUTarget('cuda', 80, 32))
        assert compiled.asm['cubin']
        assert 'atom' not in compiled.asm['ptx']  # deterministic


@pytest.fixture
def masks():
    return torch.randn(3, 4, 5), torch.rand(2, 8, 10) > 0.5, torch.tensor([1, 0, 1])


@pytest.fixture
def chosen(monkeypatch):
    """The fused form is tried on CPUs, and is what the test puts there; the list has its calls."""
    choice._works.cache_clear()
    monkeypatch.setattr(choice, 'DEVICES', {'cpu'})
    monkeypatch.setattr(choice, 'find_spec', lambda name: name)
    calls = []

    def replace(change):
        def fused(logits, targets, index, settings, valid=None):
            calls.append(settings)
            formulas = [MaskFocalLoss(1.0, *settings[:2]), MaskDiceLoss(1.0, settings.smooth)]
            formulas = [term.value_and_grad for term in formulas]
            return change(upsampled_mask_losses(logits, targets, index, formulas, valid))

        monkeypatch.setattr(choice, 'fused_mask_losses', fused)
        return calls

    yield replace
    choice._works.cache_clear()


def plain(masks, terms=TERMS):
    return upsampled_mask_losses(*masks, [term.value_and_grad for term in terms])


def test_fused_form_is_chosen_with_the_settings_of_the_losses(chosen, masks):
    calls = chosen(lambda values: values)
    terms = [MaskFocalLoss(20.0, 0.4, 1.5), MaskDiceLoss(1.0, 0.5)]
    values = choice.matched_mask_losses(terms, *masks)
    assert calls == [(0.4, 1.5, 0.5)] * 2  # the trial, and the use
    torch.testing.assert_close(values, plain(masks, terms), rtol=0, atol=0)
    choice.matched_mask_losses(terms, *masks)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ('terms', 'logits'),
    [
        ([MaskCrossEntropyLoss(), MaskDiceLoss()], torch.float32),
        (TERMS, torch.float64),
        ([type('Mine', (MaskFocalLoss,), {})(), MaskDiceLoss()], torch.float32),
    ],
)
def test_other_losses_and_types_take_the_plain_form(chosen, masks, terms, logits):
    calls = chosen(lambda values: values)
    choice.matched_mask_losses(terms, masks[0].to(logits), *masks[1:])
    assert calls == []


def test_switched_off_and_on_other_devices_the_plain_form_runs(chosen, masks, monkeypatch):
    calls = chosen(lambda values: values)
    with plain_functions():
        choice.matched_mask_losses(TERMS, *masks)
    monkeypatch.setattr(choice, 'DEVICES', {'cuda'})
    choice.matched_mask_losses(TERMS, *masks)
    assert calls == []


def test_wrong_numbers_are_found_before_they_are_used(chosen, masks):
    calls = chosen(lambda values: values * 1.001)
    with pytest.warns(UserWarning, match=r'differ from the plain form by .*plain form.*SWITCHES'):
        values = choice.matched_mask_losses(TERMS, *masks)
    torch.testing.assert_close(values, plain(masks), rtol=0, atol=0)
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # said once
        choice.matched_mask_losses(TERMS, *masks)
    assert len(calls) == 1


def test_wrong_gradients_are_found(chosen, masks):
    chosen(lambda values: values + 0.01 * (values - values.detach()))
    with pytest.warns(UserWarning, match='differ from the plain form'):
        choice.matched_mask_losses(TERMS, *masks)


def test_values_that_are_not_finite_are_wrong(chosen, masks):
    chosen(lambda values: values * torch.nan)
    with pytest.warns(UserWarning, match='differ from the plain form by inf'):
        choice.matched_mask_losses(TERMS, *masks)


@needs_triton
@pytest.mark.skipif(torch.cuda.is_available(), reason='the kernels run here')
def test_without_a_driver_the_plain_form_runs(monkeypatch, masks):
    choice._works.cache_clear()
    monkeypatch.setattr(choice, 'DEVICES', {'cpu'})
    with pytest.warns(UserWarning, match=r'cannot run \(\w+: '):
        values = choice.matched_mask_losses(TERMS, *masks)
    torch.testing.assert_close(values, plain(masks), rtol=0, atol=0)
    choice._works.cache_clear()


def test_memory_that_runs_out_is_no_reason_for_the_plain_form(chosen, masks):
    def out_of_memory(values):
        raise torch.cuda.OutOfMemoryError('full')

    chosen(out_of_memory)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        choice.matched_mask_losses(TERMS, *masks)


def test_triton_is_not_imported_with_the_package(warm_python):
    warm_python(
        """
        import sys
        sys.modules['triton'] = None  # an import of it fails
        for name in [name for name in sys.modules if name.startswith('mmmaskformer.functional')]:
            del sys.modules[name]
        from mmmaskformer.functional import fused_mask_losses
        assert 'mmmaskformer.functional.fused_mask_kernels' not in sys.modules
        """
    )
