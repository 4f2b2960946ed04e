"""A resumed training follows its config, and stops where it cannot."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from tiny_model import LOADER, Numbers, Tiny

from mmmaskformer.engine import ResumeByConfigHook

POLY = dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)
BASE = 0.1


def config(iterations=4, schedule=None, **settings) -> dict:
    """What the checkpoint keeps of a training of so many iterations."""
    optimizer = dict(type='AdamW', lr=BASE, weight_decay=0.01)
    wanted = dict(
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations),
        optim_wrapper=dict(type='OptimWrapper', optimizer=optimizer),
        param_scheduler=schedule or [dict(POLY, end=iterations + 1)],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
            logger=dict(type='LoggerHook', interval=1),
        ),
        randomness=dict(seed=5),
    )
    wanted.update(settings)
    return wanted


def train(folder, wanted, resume=None, hooks=(), classes=None, hook=None, numbers=range(1, 9)) -> Runner:
    """Train with a config, from a checkpoint if there is one."""
    dataset = Numbers(list(numbers))
    if classes:
        dataset.metainfo = dict(classes=classes)
    settings = {key: deepcopy(value) for key, value in wanted.items() if key != 'val_evaluator'}
    runner = Runner(
        Tiny(),
        str(folder),
        train_dataloader=dict(LOADER, dataset=dataset),
        custom_hooks=[hook or ResumeByConfigHook(), *hooks],
        load_from=None if resume is None else str(resume),
        resume=resume is not None,
        experiment_name=str(folder).replace('/', '_'),
        cfg=Config(deepcopy(wanted)),
        **settings,
    )
    runner.train()
    return runner


def rates(runner) -> list[float]:
    return runner.message_hub.log_scalars['train/lr'].data[0].tolist()


def warnings_of(runner) -> str:
    return '\n'.join(line for line in open(f'{runner.log_dir}/{runner.timestamp}.log') if 'WARNING' in line)


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch) -> None:
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)  # it asks compilers for their versions


@pytest.fixture
def begun(tmp_path):
    """The checkpoint after four iterations of four, where the rate is 0."""
    runner = train(tmp_path / 'begun', config(4))
    assert rates(runner) == pytest.approx([BASE * (1 - step / 4) ** 0.9 for step in range(4)])
    return tmp_path / 'begun/iter_4.pth'


def test_longer_training(begun, tmp_path):
    """The rates are those of a training that was so long from the beginning, bit by bit."""
    resumed = train(tmp_path / 'resumed', config(10), begun)
    whole = train(tmp_path / 'whole', config(10))
    assert rates(resumed)[4:] == rates(whole)[4:]
    assert rates(resumed)[4] == pytest.approx(BASE * (1 - 4 / 10) ** 0.9)
    log = warnings_of(resumed)
    assert 'train_cfg.max_iters 4 -> 10; param_scheduler.0.end 5 -> 11' in log
    assert 'lr of iteration 5 0 -> 0.06314' in log


def test_unchanged_config_resumes_as_before(begun, tmp_path):
    resumed = train(tmp_path / 'resumed', config(4), begun.with_name('iter_2.pth'))
    assert rates(resumed) == pytest.approx([BASE * (1 - step / 4) ** 0.9 for step in range(4)], rel=1e-12)
    assert 'differs' not in warnings_of(resumed)
    state, whole = (torch.load(path, weights_only=False) for path in (tmp_path / 'resumed/iter_4.pth', begun))
    assert state['param_schedulers'] == whole['param_schedulers']
    assert torch.equal(state['state_dict']['weight'], whole['state_dict']['weight'])


@pytest.mark.parametrize(
    ('schedule', 'expected'),
    [
        (
            [dict(type='MultiStepLR', milestones=[2, 6], gamma=0.1, by_epoch=False)],
            [0.01, 0.01, 0.001, 0.001],
        ),
        ([dict(type='ConstantLR', factor=0.5, end=6, by_epoch=False)], [0.05, 0.1, 0.1, 0.1]),
        (
            [
                dict(type='LinearLR', start_factor=0.2, begin=0, end=5, by_epoch=False),
                dict(POLY, power=1.0, begin=0, end=9),
            ],
            [BASE * (1 - step / 8) for step in range(4, 8)],
        ),
        (
            [dict(type='CosineAnnealingLR', T_max=8, by_epoch=False)],
            [BASE * (1 + math.cos(math.pi * step / 8)) / 2 for step in range(4, 8)],
        ),
    ],
)
def test_another_schedule(begun, tmp_path, schedule, expected):
    """Of another kind, or of another number of schedulers."""
    resumed = train(tmp_path / 'resumed', config(8, schedule), begun)
    assert rates(resumed)[4:] == pytest.approx(expected)


def test_another_learning_rate_and_weight_decay(begun, tmp_path):
    wanted = config(4)
    wanted['optim_wrapper']['optimizer'].update(lr=0.2, weight_decay=0.5, betas=(0.8, 0.99))
    resumed = train(tmp_path / 'resumed', wanted, begun.with_name('iter_2.pth'))
    assert rates(resumed)[2:] == pytest.approx([0.2 * 0.5**0.9, 0.2 * 0.25**0.9])
    (group,) = resumed.optim_wrapper.param_groups
    assert (group['weight_decay'], tuple(group['betas'])) == (0.5, (0.8, 0.99))
    assert resumed.optim_wrapper.optimizer.state  # its averages go on
    assert 'weight_decay of the optimizer 0.01 -> 0.5' in warnings_of(resumed)


def test_checkpoint_without_schedulers_or_optimizer(tmp_path):
    """Their progress is computed: MMEngine would begin the schedule anew, at the rate it had."""
    for option in ('save_param_scheduler', 'save_optimizer'):
        wanted = config(8)
        wanted['default_hooks']['checkpoint'].update({option: False})
        train(tmp_path / option, wanted)
        resumed = train(tmp_path / f'{option} resumed', wanted, tmp_path / option / 'iter_4.pth')
        assert rates(resumed)[4:] == pytest.approx([BASE * (1 - step / 8) ** 0.9 for step in range(4, 8)])


def test_one_cycle_goes_on(tmp_path):
    """Its state held a function, for which the checkpoint could not be loaded."""
    schedule = [dict(type='OneCycleLR', eta_max=0.1, total_steps=8, by_epoch=False)]
    whole = train(tmp_path / 'whole', config(8, schedule))
    resumed = train(tmp_path / 'resumed', config(8, schedule), tmp_path / 'whole/iter_4.pth')
    assert rates(resumed) == rates(whole)


def test_plateau_cannot_be_computed(begun, tmp_path):
    schedule = [dict(type='ReduceOnPlateauLR', monitor='loss', by_epoch=True)]
    with pytest.raises(ValueError, match='ReduceOnPlateauLR depends on past validations'):
        train(tmp_path / 'resumed', config(8, schedule), begun)


def test_nothing_left_to_train(begun, tmp_path):
    resumed = train(tmp_path / 'resumed', config(3), begun)
    assert resumed.iter == 4
    log = warnings_of(resumed)
    assert (
        'Nothing is left to train: the checkpoint is at iteration 4, and the config ends training at 3' in log
    )


def test_another_optimizer(begun, tmp_path):
    wanted = config(8)
    wanted['optim_wrapper']['optimizer'] = dict(type='SGD', lr=0.1, momentum=0.9)
    with pytest.raises(
        ValueError, match=r'optim_wrapper\.optimizer is SGD, but .* state of another optimizer'
    ):
        train(tmp_path / 'resumed', wanted, begun)


def test_seed_of_the_config(begun, tmp_path):
    resumed = train(tmp_path / 'resumed', config(8, randomness=dict(seed=7)), begun)
    assert resumed.seed == 7
    assert 'randomness.seed 5 -> 7' in warnings_of(resumed)
    learned = train(tmp_path / 'learned', config(8, randomness=dict(seed=None)), begun)
    assert learned.seed == 5


def test_number_of_processes(begun, tmp_path):
    checkpoint = torch.load(begun, weights_only=False)
    assert checkpoint['meta']['world_size'] == 1
    checkpoint['meta']['world_size'] = 4
    torch.save(checkpoint, begun)
    assert 'processes 4 -> 1' in warnings_of(train(tmp_path / 'resumed', config(8), begun))


def test_best_score_of_another_metric_is_forgotten(begun, tmp_path):
    checkpoint = torch.load(begun, weights_only=False)
    checkpoint['message_hub']['runtime_info'].update(best_score=70.0, best_ckpt='best_mIoU.pth')
    checkpoint['message_hub']['resumed_keys'].update(best_score=True, best_ckpt=True)
    torch.save(checkpoint, begun)
    same = train(tmp_path / 'same', config(8), begun)
    assert same.message_hub.get_info('best_score') == 70.0
    wanted = config(8)
    wanted['default_hooks']['checkpoint'].update(save_best='PQ', rule='greater')
    changed = train(tmp_path / 'changed', wanted, begun)
    assert 'best_score' not in changed.message_hub.runtime_info
    assert 'default_hooks.checkpoint.save_best not set -> PQ' in warnings_of(changed)


def test_averages_are_left_behind_with_their_hook(tmp_path):
    """Training without `EMAHook` goes on with the weights, which are not those under ``state_dict``."""
    begun = tmp_path / 'begun/iter_4.pth'
    before = train(tmp_path / 'begun', config(4), hooks=[EMAHook(momentum=0.5)])
    weight = before.model.weight.item()
    assert torch.load(begun, weights_only=False)['state_dict']['weight'].item() != weight
    resumed = train(tmp_path / 'resumed', config(4), begun)
    assert resumed.model.weight.item() == weight
    assert 'EMAHook -> none' in warnings_of(resumed)


def test_ema_momentum_follows(tmp_path):
    train(tmp_path / 'begun', config(2), hooks=[EMAHook(momentum=0.5)])
    hook = EMAHook(momentum=0.1)
    train(tmp_path / 'resumed', config(4), tmp_path / 'begun/iter_2.pth', hooks=[hook])
    assert hook.ema_model.momentum == 0.1
    assert hook.ema_model.steps == 4


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (('a', 'b'), ('a', 'b', 'c'), 'was trained on 2 classes, the training data have 3'),
        (('a', 'b'), ('b', 'a'), "'b' is number 0 in the training data, but was number 1"),
    ],
)
def test_other_classes(tmp_path, old, new, message):
    train(tmp_path / 'begun', config(2), classes=old)
    with pytest.raises(ValueError, match=message):
        train(tmp_path / 'resumed', config(4), tmp_path / 'begun/iter_2.pth', classes=new)


def test_renamed_class(tmp_path):
    train(tmp_path / 'begun', config(2), classes=('a', 'b'))
    resumed = train(tmp_path / 'resumed', config(4), tmp_path / 'begun/iter_2.pth', classes=('a', 'bee'))
    assert "'b' -> 'bee'" in warnings_of(resumed)


def by_epochs(epochs=4) -> dict:
    schedule = [dict(type='ExponentialLR', gamma=0.5, by_epoch=True), dict(POLY, end=1000)]
    wanted = config(schedule=schedule, train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs))
    wanted['default_hooks']['checkpoint'] = dict(type='CheckpointHook', interval=1)
    return wanted


def test_epochs_of_another_length(tmp_path):
    """Four batches become two: two epochs are then four iterations, and the rate is halved twice."""
    train(tmp_path / 'begun', by_epochs(2))
    resumed = train(tmp_path / 'resumed', by_epochs(4), tmp_path / 'begun/epoch_2.pth', numbers=range(4))
    assert 'An epoch has 2 iterations, but had 4' in warnings_of(resumed)
    assert (resumed.epoch, resumed.iter) == (4, 8)


def test_changed_schedule_by_epochs(tmp_path):
    train(tmp_path / 'begun', by_epochs(2))
    wanted = by_epochs(3)
    wanted['param_scheduler'] = [dict(type='ExponentialLR', gamma=0.1, by_epoch=True)]
    resumed = train(tmp_path / 'resumed', wanted, tmp_path / 'begun/epoch_2.pth')
    assert rates(resumed)[8:] == pytest.approx([0.001] * 4)


def test_iterations_do_not_become_epochs(begun, tmp_path):
    with pytest.raises(ValueError, match='is at iteration 4 of a training by iterations'):
        train(tmp_path / 'resumed', by_epochs(), begun, numbers=range(2, 5))


def test_epochs_become_iterations(tmp_path):
    train(tmp_path / 'begun', by_epochs(1))
    resumed = train(tmp_path / 'resumed', config(8), tmp_path / 'begun/epoch_1.pth')
    assert rates(resumed)[4:] == pytest.approx([BASE * (1 - step / 8) ** 0.9 for step in range(4, 8)])


def test_weights_alone_are_not_resumed(begun, tmp_path):
    """``load_from`` without ``resume`` begins a new schedule, whatever the checkpoint says."""
    runner = Runner(
        Tiny(),
        str(tmp_path / 'new'),
        train_dataloader=dict(LOADER, dataset=Numbers(range(8))),
        custom_hooks=[ResumeByConfigHook()],
        load_from=str(begun),
        experiment_name='new',
        cfg=Config(config(4)),
        **config(4),
    )
    runner.train()
    assert MessageHub.get_current_instance() is runner.message_hub
    assert rates(runner) == pytest.approx([BASE * (1 - step / 4) ** 0.9 for step in range(4)])
    assert 'differs' not in warnings_of(runner)
