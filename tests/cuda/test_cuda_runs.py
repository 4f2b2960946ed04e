"""Runs of MMEngine's runner on a device: resuming, losses that are not finite, deterministic mode."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from device_runs import devices_of_steps, run_config, train, write_images
from devices import need_real_gpu
from overflow import record_of_overflow
from test_cuda_training import CASES, SIZES
from tiny_model import Tiny, run
from training_steps import assert_same, build, step

from mmmaskformer.analysis.cost import median_milliseconds, peak_memory, prediction
from mmmaskformer.apis import evaluate_model
from mmmaskformer.apis.reproduce import reproduce_loss
from mmmaskformer.engine import FiniteLossHook, NonFiniteLossError

NAN = float('nan')
# What PyTorch has no deterministic form of, by case of test_cuda_training: with these heads
# randomness.deterministic=True raises, because MMEngine asks PyTorch to raise rather than to warn.
NOT_DETERMINISTIC = {'per pixel': {'nll_loss2d_forward_out_cuda_template'}}
NOT_DETERMINISTIC['per pixel plus'] = NOT_DETERMINISTIC['per pixel']


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('device_runs'))


def test_resumed_run_goes_on_as_it_would_have(data, tmp_path, device):
    """Same losses; and the optimizer counts its steps on the host, where reading them costs no wait."""
    whole, runner = train(run_config(data, tmp_path / 'whole', 6))
    assert next(runner.model.parameters()).device.type == device
    assert devices_of_steps(runner) == {'cpu'}
    cut, _ = train(run_config(data, tmp_path / 'cut', 3))
    resumed, runner = train(run_config(data, tmp_path / 'cut', 6), resume=True)
    assert devices_of_steps(runner) == {'cpu'}
    assert len(whole) == len(resumed) == 6
    tolerance = 0.0 if device == 'cpu' else 1e-3
    assert resumed == pytest.approx(whole, rel=tolerance, abs=0)
    assert cut == pytest.approx(whole[:3], rel=tolerance, abs=0)


@pytest.mark.parametrize('amp', ['bf16', 'auto', 'fp16'])
def test_mixed_precision_resumes_and_is_evaluated(data, tmp_path, cuda, amp):
    train(run_config(data, tmp_path, 3), amp=amp)
    losses, runner = train(run_config(data, tmp_path, 6), resume=True, amp=amp)
    assert len(losses) == 6
    assert devices_of_steps(runner) <= {'cpu'}  # none if the loss scale of fp16 is still too large for a step
    metrics = evaluate_model(run_config(data, tmp_path, 6), str(tmp_path / 'iter_6.pth'), amp=amp)
    assert 0 <= metrics['mIoU'] <= 100


def test_loss_that_is_not_finite_stops_the_run(tmp_path, device):
    model = Tiny()
    with pytest.raises(NonFiniteLossError, match='Iteration 3: '):
        run(tmp_path, [1, 2, 3, 4, 5, NAN, 7, 8], model=model)
    assert model.weight.device.type == device
    assert model.weight.isfinite().all()


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'AmpOptimWrapper'])
def test_step_that_is_not_finite_is_left_out(tmp_path, cuda, wrapper):
    settings = dict(optim_wrapper=dict(type=wrapper, optimizer=dict(type='SGD', lr=0.1)))
    hook = FiniteLossHook(max_skips=1)
    skipped = run(tmp_path / 'a', [1, 2, NAN, 4, 5, 6], hook, **settings).model
    without = run(tmp_path / 'b', [1, 2, 5, 6], **settings).model
    assert hook.num_skipped == 1
    assert_same(dict(skipped.named_parameters()), dict(without.named_parameters()), 1e-6)


def test_record_reproduces_the_step(tmp_path, device):
    path, runner = record_of_overflow(tmp_path, 'OptimWrapper', dropout=0.3)
    assert next(runner.model.parameters()).device.type == device
    found = reproduce_loss(path, device=device)
    assert found.first_module == 'decode_head.mask_embed.4'
    torch.testing.assert_close(found.now, found.then, rtol=1e-5, atol=0, equal_nan=True)


@pytest.mark.usefixtures('deterministic')
def test_deterministic_runs_are_equal_bit_by_bit(data, tmp_path, device):
    """As a config asks for it: ``randomness.deterministic=True``."""
    need_real_gpu(device)
    runs = [
        train(run_config(data, tmp_path / name, 3, **{'randomness.deterministic': True})) for name in 'ab'
    ]
    assert runs[0][0] == runs[1][0]
    first, second = (dict(runner.model.named_parameters()) for _, runner in runs)
    assert_same(first, second, 0.0)


@pytest.mark.parametrize('name', CASES)
@pytest.mark.usefixtures('deterministic')
def test_only_known_operations_have_no_deterministic_form(name, gpu):
    changes, draw = CASES[name]
    batch, model = draw(*SIZES), build(**changes).to(gpu)
    torch.use_deterministic_algorithms(True, warn_only=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        step(model, batch)
    found = {m[1] for w in caught if (m := re.match(r'(\S+) does not have a deterministic', str(w.message)))}
    assert found <= NOT_DETERMINISTIC.get(name, set())


def test_costs_are_those_of_the_device(device):
    model = build().eval().to(device)
    task, place = prediction(model, (64, 96)), torch.device(device)
    assert median_milliseconds({'model': task}, 1, place)['model'] >= 0
    if (found := peak_memory(task, place)) is not None:
        assert found > 0
