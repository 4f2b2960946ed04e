"""Training views: validation losses, averaged weights, time left, early stopping, curves, trackers."""

from __future__ import annotations

import itertools
import json
import logging
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from resume_runs import tiny_config, write_data
from torch import nn
from torch.utils.data import DataLoader

from mmmaskformer.apis import train_model
from mmmaskformer.apis.trackers import add_tracker
from mmmaskformer.checkpoints import build_model
from mmmaskformer.engine import EarlyStoppingHook, EMAHook, TimeLeftHook, time_left_hook
from mmmaskformer.engine.time_left_hook import num_validations_left
from mmmaskformer.engine.validation_loss_hook import _with_ground_truth_of_input, validation_losses
from mmmaskformer.visualization import LearningCurveHook

VIEWS = ('ValidationLossHook', 'LearningCurveHook')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and scalars of 8 iterations with two validations, with every view."""
    folder = tmp_path_factory.mktemp('views')
    cfg = tiny_config(write_data(folder / 'data'), folder / 'run', iterations=8, seed=0)
    hooks = [hook for hook in cfg.custom_hooks if hook['type'] != 'EMAHook']
    hooks += [dict(type=f'mmmaskformer.{name}') for name in VIEWS]
    cfg.custom_hooks = [*hooks, dict(type='mmmaskformer.EMAHook', momentum=0.1, begin_iter=7)]
    cfg.default_hooks.logger.interval = 2
    cfg.default_hooks.checkpoint.update(save_best='val_loss', rule='less')
    if tracked := _has_tensorboard():
        add_tracker(cfg, 'tensorboard')
    train_model(cfg)
    (path,) = (folder / 'run').glob('*/vis_data/scalars.json')
    return cfg, [json.loads(line) for line in path.read_text().splitlines()], folder / 'run', tracked


def _has_tensorboard() -> bool:
    return find_spec('tensorboard') is not None


def test_validation_loss_is_that_of_the_checkpoint(trained):
    cfg, scalars, folder, _ = trained
    validations = [record for record in scalars if 'val_loss' in record]
    assert [record['step'] for record in validations] == [4, 8]
    init_default_scope('mmseg')
    model = build_model(Config.fromfile(next(folder.glob('*.py')))).eval()
    checkpoint = torch.load(folder / 'iter_8.pth', weights_only=False)
    model.load_state_dict(checkpoint['state_dict'])
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    losses = validation_losses(model, pseudo_collate([dataset[i] for i in range(len(dataset))]))
    for name, value in losses.items():
        assert validations[1][name] == pytest.approx(value, rel=1e-4), name
    assert {'val_loss', 'val_decode.loss_cls', 'val_decode.loss_mask', 'val_decode.loss_dice'} == set(losses)


def test_best_checkpoint_follows_the_validation_loss(trained):
    _, scalars, folder, _ = trained
    best = min((record for record in scalars if 'val_loss' in record), key=lambda record: record['val_loss'])
    assert (folder / f'best_val_loss_iter_{best["step"]}.pth').is_file()


def test_plain_weights_stand_beside_their_averages(trained):
    first = next(record for record in trained[1] if 'mIoU' in record)
    assert first['plain_mIoU'] == first['mIoU']  # averaging begins later


def test_learning_curve_is_drawn(trained):
    assert (trained[2] / 'learning_curve.png').stat().st_size > 10_000


def test_a_learning_curve_without_scalars_does_not_end_the_training(tmp_path):
    hook, runner = LearningCurveHook(), SimpleNamespace(work_dir=tmp_path)
    hook.before_train(runner)
    for _ in range(2):
        hook.after_val_epoch(runner)
    assert not list(tmp_path.iterdir())


def test_tensorboard_has_losses_and_scores(trained):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    _, scalars, folder, tracked = trained
    assert tracked
    (path,) = folder.glob('*/vis_data/events.out.tfevents.*')
    events = accumulator.EventAccumulator(str(path)).Reload()
    for name in ('loss', 'val_loss', 'mIoU', 'plain_mIoU'):
        logged = [(record['step'], record[name]) for record in scalars if name in record]
        read = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in read] == [step for step, _ in logged], name
        assert [value for _, value in read] == pytest.approx([value for _, value in logged], rel=1e-4)


def test_ground_truth_gets_the_size_of_the_input():
    sample = SegDataSample(
        gt_sem_seg=PixelData(data=torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [2] * 4, [255] * 4]]))
    )
    small = _with_ground_truth_of_input(sample, torch.zeros(3, 2, 2)).gt_sem_seg.data
    assert small.dtype == torch.int64
    assert small.tolist() in ([[[0, 1], [255, 255]]], [[[0, 1], [2, 2]]])
    large = _with_ground_truth_of_input(sample, torch.zeros(3, 8, 8)).gt_sem_seg.data
    assert large[0, :, 0].tolist() == [0, 0, 0, 0, 2, 2, 255, 255]
    assert sample.gt_sem_seg.data.shape == (1, 4, 4)


def ema_runner(model):
    """A runner whose validation score is the weight of the model."""
    evaluator = SimpleNamespace(process=lambda **_: None, evaluate=lambda _: {'score': model.weight.item()})
    loop = SimpleNamespace(dataloader=DataLoader([]), evaluator=evaluator, fp16=False)
    hub = MessageHub.get_instance('ema_views')
    return SimpleNamespace(model=model, val_loop=loop, message_hub=hub, logger=logging.getLogger())


def test_averages_are_validated_and_plain_weights_too():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    runner, hook = ema_runner(model), EMAHook()
    hook.before_run(runner)
    nn.init.constant_(model.weight, 3.0)  # the average is 1
    hook.before_val_epoch(runner)
    assert model.weight.item() == 1
    metrics = {'score': model.weight.item()}
    hook.after_val_epoch(runner, metrics)
    assert metrics == {'score': 1, 'plain_score': 3}
    assert model.weight.item() == 3


def stopping_runner(name, **info):
    hub = MessageHub.get_instance(name)
    hub.runtime_info.update(info)
    loop = SimpleNamespace(stop_training=False)
    return SimpleNamespace(message_hub=hub, train_loop=loop, iter=7, logger=logging.getLogger(), hooks=[])


def test_early_stop_counts_on_in_a_resumed_run(caplog):
    caplog.set_level(logging.INFO)
    runner, hook = (
        stopping_runner('early', best_ckpt='best_PQ_iter_3.pth'),
        EarlyStoppingHook('PQ', patience=3),
    )
    hook.before_train(runner)
    for score in (10.0, 12.0, 12.0, 11.0):  # an equal score is no improvement
        hook.after_val_epoch(runner, {'PQ': score})
    assert not runner.train_loop.stop_training
    resumed = EarlyStoppingHook('PQ', patience=3)
    resumed.before_train(runner)
    resumed.after_val_epoch(runner, {'PQ': 11.5})
    assert runner.train_loop.stop_training
    assert 'stops early at iteration 7; the best checkpoint is best_PQ_iter_3.pth' in caplog.text


@pytest.mark.parametrize(
    ('monitor', 'scores', 'stops'), [('val_loss', (3.0, 2.0), False), ('AP', (3.0, 2.0), True)]
)
def test_losses_shall_fall_and_scores_rise(monitor, scores, stops):
    runner, hook = stopping_runner(f'rule_{monitor}'), EarlyStoppingHook(monitor, patience=1)
    hook.before_train(runner)
    for score in scores:
        hook.after_val_epoch(runner, {monitor: score})
    assert runner.train_loop.stop_training is stops


def test_early_stop_names_the_metrics_that_there_are():
    runner, hook = stopping_runner('names'), EarlyStoppingHook('PQ')
    with pytest.raises(ValueError, match=r"validation gives no 'PQ', but 'mIoU', 'aAcc': set monitor"):
        hook.after_val_epoch(runner, dict(mIoU=1.0, aAcc=2.0))
    with pytest.raises(ValueError, match='set monitor of the hook, or save_best'):
        EarlyStoppingHook().before_train(runner)


@pytest.mark.parametrize(('iteration', 'expected'), [(0, 3), (3, 3), (4, 2), (8, 1), (9, 1)])
def test_validations_left_by_iterations(iteration, expected):
    loop = SimpleNamespace(
        iter=iteration, max_iters=10, val_begin=1, val_interval=4, dataloader_iterator=None
    )
    assert num_validations_left(loop) == expected  # after 4, 8 and 10 iterations


def test_validations_left_by_epochs():
    loop = SimpleNamespace(epoch=0, max_epochs=4, val_begin=2, val_interval=2)
    assert num_validations_left(loop) == 2
    assert num_validations_left(SimpleNamespace(**{**vars(loop), 'val_begin': 4, 'max_epochs': 3})) == 0


def test_time_left_counts_validations(monkeypatch):
    clock = itertools.count()
    now = SimpleNamespace(time=lambda: seconds[0])
    seconds = [0.0]
    monkeypatch.setattr(time_left_hook, 'time', now)
    monkeypatch.setattr('mmengine.hooks.iter_timer_hook.time', now)
    loop = SimpleNamespace(iter=0, max_iters=8, val_begin=1, val_interval=4, dataloader_iterator=None)
    runner = SimpleNamespace(
        iter=0, max_iters=8, train_loop=loop, val_loop=loop, message_hub=MessageHub.get_instance('time_left'),
        val_dataloader=SimpleNamespace(dataset=range(6)),
    )  # fmt: skip
    hook = TimeLeftHook()
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    left = []
    for _ in range(5):
        runner.iter = loop.iter = next(clock)
        hook.before_train_iter(runner, 0)
        seconds[0] += 2
        hook.after_train_iter(runner, 0, dict(inputs=[0, 0]))
        left.append(runner.message_hub.get_info('eta'))
        if loop.iter == 3:
            hook.before_val(runner)
            seconds[0] += 50
            hook.after_val(runner)
    # 2 s an iteration; two validations of 6 images, guessed at 1 s an image; then one validation of 50 s
    assert left == [7 * 2 + 2 * 6, 6 * 2 + 2 * 6, 5 * 2 + 2 * 6, 4 * 2 + 2 * 6, 3 * 2 + 50]


def test_tracker_is_added_once_and_needs_its_package():
    cfg = Config(dict(work_dir='/runs/street'))
    with pytest.raises(ValueError, match=r"Unknown tracker 'neptune'; expected one of \['tensorboard'"):
        add_tracker(cfg, 'neptune')
    with pytest.raises(
        ValueError, match='needs the package mlflow, which is not installed: pip install mlflow'
    ):
        add_tracker(cfg, 'mlflow')
    if _has_tensorboard():
        for _ in range(2):
            add_tracker(cfg, 'tensorboard')
        assert [backend['type'] for backend in cfg.visualizer.vis_backends] == [
            'LocalVisBackend',
            'TensorboardVisBackend',
        ]
