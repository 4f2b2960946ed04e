"""Parity with the official implementation, on its own random weights."""

from __future__ import annotations

import golden_checks as checks
import pytest
import torch
from golden_outputs import golden_batch, golden_config, golden_model, golden_training
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

TRAINED = ['semantic_r', 'semantic_swin', 'panoptic_r']


@pytest.fixture(params=checks.MASK_MODELS)
def mask_name(request) -> str:
    return request.param


@pytest.fixture(params=checks.MASK_MODELS + checks.PER_PIXEL)
def name(request) -> str:
    return request.param


def test_input_is_normalised_and_padded_as_the_official(name):
    checks.check_input(name, 'cpu')


def test_backbone(name):
    checks.check_backbone(name, 'cpu')


def test_head(mask_name):
    checks.check_head(mask_name, 'cpu')


def test_matches(mask_name):
    checks.check_matches(mask_name, 'cpu')


def test_losses_and_gradients(name):
    checks.check_losses_and_gradients(name, 'cpu')


def test_scores(name):
    checks.check_scores(name, 'cpu')


@pytest.mark.parametrize('name', ['semantic_r', 'semantic_swin'])
def test_training_curve(name):
    """Twenty steps through our optimiser and schedule configs: loss, learning rate and gradient norm to 1e-3.

    Rounding alone can turn one ReLU on or off (in semantic_r at step 12: one of 3072 inputs of a layer, at
    1e-6 of their usual size), and the gradient norm then takes another path a few steps later; the official
    code's own formulas do it here too. So a run that leaves the golden path may start again with the class
    bias moved by units of rounding: one single run must follow all twenty steps. A wrong loss, rate, decay or
    clipping follows none.
    """
    golden = golden_training(name)['trajectory']
    golden_curve = torch.tensor([golden['loss'], golden['lr'], golden['grad_norm']])
    torch.set_num_threads(1)  # the order of sums, and so the path, depends on it
    for attempt in range(24):
        off = (train_curve(name, nudge=attempt) / golden_curve - 1).abs()
        assert off[:2].max() <= 1e-3, 'loss or learning rate'
        assert off[2, :10].max() <= 1e-3, 'gradient norm of the first ten steps'
        if off.max() <= 1e-3:
            return
    pytest.fail(f'gradient norm: no run stays within 1e-3; the last is off by {off[2].max():.1e}')


def test_training_curve_where_rounding_decides():
    """Twenty steps of panoptic_r, whose gradient norm no two float32 runs share.

    With gradients of norm 127 and learning rate 1e-3, steps amplify rounding: among runs whose weights differ
    by one unit of rounding, the gradient norm differs by 1e-3 at the second step, by a half at the twelfth,
    and the loss by up to 5e-3. Our float64 run is as far from the golden curve: 1.1e-3, 0.3, and 2e-3. So
    each is compared where it is determined, and the loss to 1e-2 after that.
    """
    golden = golden_training('panoptic_r')['trajectory']
    loss, rate, norm = train_curve('panoptic_r')
    assert torch.equal(rate, torch.tensor(golden['lr']))
    loss_off, norm_off = (
        (ours / torch.tensor(golden[key]) - 1).abs() for ours, key in ((loss, 'loss'), (norm, 'grad_norm'))
    )
    assert loss_off[:5].max() <= 1e-3
    assert loss_off.max() <= 1e-2
    assert norm_off[0] <= 1e-5
    assert norm_off[1] <= 3e-3


def test_parameter_groups():
    for name in TRAINED:
        model, config = golden_model(name), golden_config(name)
        optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
        check_param_groups(
            model, optim_wrapper, golden_training(name)['param_groups'], checks.official_name_of(name)
        )


def train_curve(name: str, nudge: int = 0) -> torch.Tensor:
    """``(3, 20)`` loss, learning rate and gradient norm before clipping of each step."""
    model, config = golden_model(name).train(), golden_config(name)
    bias = model.decode_head.class_embed.bias.data
    for _ in range(nudge):
        bias.copy_(torch.nextafter(bias, torch.full_like(bias, torch.inf)))
    optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build({**cfg, 'optimizer': optim_wrapper}) for cfg in config.param_scheduler
    ]
    curve = []
    for _ in range(20):
        learning_rate = max(group['lr'] for group in optim_wrapper.param_groups)
        batch = model.data_preprocessor(golden_batch(name), training=True)
        total, _ = model.parse_losses(model.loss(**batch))
        optim_wrapper.zero_grad()
        total.backward()
        curve.append([total.item(), learning_rate, gradient_norm(model)])
        optim_wrapper._clip_grad()
        optim_wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    return torch.tensor(curve).T


def gradient_norm(model) -> float:
    return float(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm())


def check_param_groups(model, optim_wrapper, golden_groups, official_names) -> None:
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    base_lr = max(
        group['initial_lr'] if 'initial_lr' in group else group['lr'] for group in optim_wrapper.param_groups
    )
    ours = {
        official_names[names[id(p)]]: (group.get('initial_lr', group['lr']) / base_lr, group['weight_decay'])
        for group in optim_wrapper.param_groups
        for p in group['params']
        if p.requires_grad
    }
    assert set(ours) == set(golden_groups)
    for key, (lr_mult, decay) in golden_groups.items():
        assert ours[key] == pytest.approx((lr_mult, decay)), key
