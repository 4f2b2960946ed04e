"""Schedules of a changed config at the iteration where a training goes on."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from mmmaskformer.engine.schedule_replay import Schedule, constants, without_functions

BASE = 0.1


def optimizer(kind=torch.optim.AdamW, multipliers=(1.0, 0.1, 1.0), **settings) -> OptimWrapper:
    """An optimizer with a group for each multiplier of the learning rate."""
    groups = [dict(params=[nn.Parameter(torch.ones(1))], lr=BASE * m) for m in multipliers]
    return OptimWrapper(kind(groups, lr=BASE, **settings))


def build(wrapper, *configs) -> list:
    built = []
    for config in configs:
        config = dict(config)
        cls = PARAM_SCHEDULERS.get(config.pop('type'))
        length = config.pop('epoch_length', None)
        make = cls if length is None else cls.build_iter_from_epoch
        extra = {} if length is None else dict(epoch_length=length)
        built.append(make(wrapper, **config, **extra))
    return built


def cosine(step, total, low=0.0):
    return low + (BASE - low) * (1 + math.cos(math.pi * step / total)) / 2


CASES = {
    'poly': ([dict(type='PolyLR', power=0.9, eta_min=0.0, end=25)], 8, BASE * (1 - 8 / 24) ** 0.9),
    'milestones': ([dict(type='MultiStepLR', milestones=[5, 9, 20], gamma=0.1)], 9, BASE * 0.01),
    'milestones passed by one': ([dict(type='MultiStepLR', milestones=[5, 9], gamma=0.1)], 8, BASE * 0.1),
    'steps': ([dict(type='StepLR', step_size=3, gamma=0.5)], 8, BASE * 0.25),
    'warm-up': ([dict(type='LinearLR', start_factor=0.2, end=11)], 5, BASE * 0.6),
    'warm-up is over': ([dict(type='LinearLR', start_factor=0.2, end=5)], 7, BASE),
    'warm-up, then poly': (
        [
            dict(type='LinearLR', start_factor=0.5, begin=0, end=5),
            dict(type='PolyLR', power=1.0, eta_min=0.0, begin=0, end=17),
        ],
        6,
        BASE * (1 - 6 / 16),
    ),
    'one after the other': (
        [
            dict(type='LinearLR', start_factor=0.5, begin=0, end=4),
            dict(type='CosineAnnealingLR', T_max=10, begin=4, end=14),
        ],
        9,
        cosine(5, 10),
    ),
    'cosine': ([dict(type='CosineAnnealingLR', T_max=12, eta_min=0.01)], 7, cosine(7, 12, 0.01)),
    'constant': ([dict(type='ConstantLR', factor=0.25, end=6)], 4, BASE * 0.25),
    'constant is over': ([dict(type='ConstantLR', factor=0.25, end=6)], 6, BASE),
    'exponential': ([dict(type='ExponentialLR', gamma=0.9)], 7, BASE * 0.9**7),
    'restarts': (
        [dict(type='CosineRestartLR', periods=[4, 8], restart_weights=[1, 0.5], eta_min=0.0)],
        6,
        BASE * 0.5 * (1 + math.cos(math.pi * 2 / 8)) / 2,
    ),
}


@pytest.mark.parametrize(('configs', 'step', 'expected'), CASES.values(), ids=CASES)
def test_value_at_a_step(configs, step, expected):
    """The closed form; and bit by bit what training has there, and ever after."""
    configs = [dict(config, by_epoch=False) for config in configs]
    trained, fresh = optimizer(), optimizer()
    schedulers = build(trained, *configs)
    begun = Schedule.of(fresh, build(fresh, *configs))
    for _ in range(step):
        for scheduler in schedulers:
            scheduler.step()
    resumed = optimizer()
    resumed_schedulers = build(resumed, *configs)
    begun.after(step).write_to(resumed, resumed_schedulers)
    for _ in range(3):
        assert [g['lr'] for g in resumed.param_groups] == [g['lr'] for g in trained.param_groups]
        for one, other in zip(resumed_schedulers, schedulers):
            assert one.last_step == other.last_step
            assert one._global_step == other._global_step
            assert one.optimizer is resumed
            one.step()
            other.step()
    begun.after(step).write_to(resumed, resumed_schedulers)
    rates = [group['lr'] for group in resumed.param_groups]
    assert rates[0] == pytest.approx(expected, rel=1e-9)
    if not configs[-1].get('eta_min'):
        assert rates[1] == pytest.approx(0.1 * expected)


def test_one_cycle():
    """Ten steps: up to step 2, then down: cosine from 0.3 to 0.012 / 1e4 in 7 steps, 4 of them done."""
    config = dict(type='OneCycleLR', eta_max=0.3, total_steps=10, by_epoch=False)
    fresh = optimizer()
    begun = Schedule.of(fresh, build(fresh, config))
    resumed = optimizer(multipliers=(1.0, 1.0, 1.0))
    schedulers = build(resumed, config)
    begun.after(6).write_to(resumed, schedulers)
    low = 0.3 / 25 / 1e4
    expected = low + (0.3 - low) * (1 + math.cos(math.pi * 4 / 7)) / 2
    assert resumed.param_groups[0]['lr'] == pytest.approx(expected)
    state = without_functions(schedulers[0].state_dict())
    assert 'anneal_func' not in state
    assert constants(state) == constants(vars(build(optimizer(), config)[0]))


@pytest.mark.parametrize('kind', [torch.optim.AdamW, torch.optim.SGD])
def test_momentum(kind):
    settings = dict(momentum=0.9) if kind is torch.optim.SGD else {}
    config = dict(type='CosineAnnealingMomentum', T_max=10, eta_min=0.5, by_epoch=False)
    fresh, resumed = optimizer(kind, **settings), optimizer(kind, **settings)
    begun = Schedule.of(fresh, build(fresh, config))
    begun.after(5).write_to(resumed, build(resumed, config))
    group = resumed.param_groups[0]
    found = group['momentum'] if kind is torch.optim.SGD else group['betas'][0]
    assert found == pytest.approx(0.7)
    if kind is torch.optim.AdamW:
        assert group['betas'][1] == 0.999


def test_epochs_and_iterations_together():
    """Two epochs of three iterations, and one more iteration: 0.5 twice by epochs, 0.9 seven times."""
    configs = [
        dict(type='ExponentialLR', gamma=0.9, by_epoch=False),
        dict(type='ExponentialLR', gamma=0.5, by_epoch=True),
    ]
    fresh = optimizer()
    after = Schedule.of(fresh, build(fresh, *configs)).after(7, epochs=2, epoch_length=3)
    assert after.param_groups[0]['lr'] == pytest.approx(BASE * 0.9**7 * 0.25)
    assert [scheduler.last_step for scheduler in after.schedulers] == [7, 2]


def test_written_by_epochs_and_converted():
    config = dict(type='PolyLR', power=1.0, end=4, by_epoch=True, epoch_length=5)
    fresh = optimizer()
    after = Schedule.of(fresh, build(fresh, config)).after(10, epochs=2, epoch_length=5)
    assert after.param_groups[0]['lr'] == pytest.approx(BASE * (1 - 10 / 19))


def test_hundreds_of_groups_take_no_longer_than_their_kinds():
    many = optimizer(multipliers=[1.0, 0.1] * 300)
    begun = Schedule.of(many, build(many, dict(type='PolyLR', end=101, by_epoch=False)))
    after = begun.after(50)
    assert len(after.param_groups) == 601
    assert after.param_groups[599]['lr'] == pytest.approx(BASE * 0.1 * 0.5)
    assert len(after.schedulers[0].base_values) == 601


def test_progress_is_no_setting():
    wrapper = optimizer()
    (scheduler,) = build(wrapper, dict(type='PolyLR', end=10, by_epoch=False))
    before = constants(scheduler.state_dict())
    scheduler.step()
    assert constants(scheduler.state_dict()) == before
    (longer,) = build(optimizer(), dict(type='PolyLR', end=20, by_epoch=False))
    assert constants(longer.state_dict()) != before
