"""A training with a limit in minutes, on a clock that model and validation move."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmmaskformer.engine import time_budget_hook
from mmmaskformer.engine.time_budget_hook import TimeBudgetHook


class Clock:
    seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


class Model(BaseModel):
    """A training step takes a second, after a hundred ``slow`` of them; a prediction takes a tenth."""

    def __init__(self, clock: Clock, slow: float = 1.0):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.clock, self.slow, self.steps = clock, slow, 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode != 'loss':
            self.clock.seconds += 0.1
            return [0]
        self.steps += 1
        self.clock.seconds += 1.0 if self.steps <= 100 else self.slow
        return dict(loss=self.weight.sum())


class Images(Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        return dict(inputs=torch.zeros(1), data_samples=None)


class Validations(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return dict(mIoU=1.0)


def train(tmp_path, monkeypatch, minutes=10, slow=1.0, scheduler=None, warm_up=51, num_val=20):
    """The clock, the runner, and the iterations of validations."""
    clock = Clock()
    monkeypatch.setattr(time_budget_hook, 'time', clock)
    poly = dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=1001, by_epoch=False)
    linear = dict(type='LinearLR', start_factor=1e-6, begin=0, end=warm_up, by_epoch=False)
    loader = dict(batch_size=1, num_workers=0, dataset=Images())
    runner = Runner(
        model=Model(clock, slow),
        work_dir=str(tmp_path),
        train_dataloader=dict(loader, sampler=dict(type='InfiniteSampler')),
        val_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False)),
        val_evaluator=[Validations()],
        val_cfg=dict(),
        train_cfg=dict(by_epoch=False, max_iters=1000, val_interval=100),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
        param_scheduler=scheduler or [linear, poly],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=7)),
        custom_hooks=[TimeBudgetHook(minutes)],
        default_scope='mmengine',
        cfg=Config(dict()),
        experiment_name=tmp_path.name,
    )
    validations = []
    run = runner.val_loop.run
    runner.val_loop.run = lambda: (validations.append(runner.iter), run())
    runner.train()
    return clock, runner, validations


@pytest.fixture(autouse=True)
def _leave_scope():
    from mmengine.registry import DefaultScope

    before = DefaultScope.get_current_instance()
    yield
    if before is not None:
        DefaultScope._instance_dict.pop('mmengine', None)


@pytest.mark.parametrize('slow', [1.0, 3.0, 0.5])
def test_training_ends_when_its_time_is_up(tmp_path, monkeypatch, slow):
    clock, runner, validations = train(tmp_path, monkeypatch, slow=slow)
    assert 0.94 * 600 < clock.seconds <= 1.02 * 600
    assert validations[-1] == runner.max_iters == runner.iter
    assert 3 <= len(validations) <= 5  # of two seconds each
    assert [path.name for path in tmp_path.glob('iter_*.pth')] == [f'iter_{runner.iter}.pth']


def test_the_learning_rate_ends_with_training(tmp_path, monkeypatch):
    _, runner, _ = train(tmp_path, monkeypatch)
    (rate,) = runner.optim_wrapper.get_lr()['lr']
    assert 0 <= rate < 0.01
    assert runner.param_schedulers[1].total_iters == runner.max_iters


def test_a_long_warm_up_is_cut(tmp_path, monkeypatch):
    rates = []
    step = torch.optim.SGD.step

    def note(self, *args, **kwargs):
        rates.append(self.param_groups[0]['lr'])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, 'step', note)
    _, runner, _ = train(tmp_path, monkeypatch, minutes=1, warm_up=1001)
    assert runner.max_iters < 70
    assert max(rates) > 0.8  # it would end at a hundredth


def test_other_schedules_are_refused(tmp_path, monkeypatch):
    steps = [dict(type='MultiStepLR', milestones=[5], by_epoch=False)]
    with pytest.raises(ValueError, match=r'moves LinearLR and PolyLR.*but the config has MultiStepLR'):
        train(tmp_path, monkeypatch, scheduler=steps)


def test_no_time_is_refused():
    with pytest.raises(ValueError, match='minutes=0 is not a time to train for'):
        TimeBudgetHook(0)
