"""Trainings of a contest: their configs, and what a run and an interrupted run leave."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.analysis import contest_sets, trial
from mmmaskformer.analysis.contest_plan import ContestPlan, run_contest
from mmmaskformer.analysis.contest_sets import CONTESTS, ContestSet
from mmmaskformer.analysis.runs import read_work_dir
from mmmaskformer.analysis.trial import ClockHook, Trial, run_trial
from mmmaskformer.apis.demo import SMOKE_RECIPE
from mmmaskformer.datasets import KeepInMemory
from mmmaskformer.toy_scenes import write_toy

CLOTHING = tuple(CONTESTS['ccp'].systems)


@pytest.fixture(scope='module')
def clothing(tmp_path_factory):
    """Configs of all systems with twelve groups."""
    folder = tmp_path_factory.mktemp('clothing')
    trials = {name: Trial('ccp', name, 3, 200, 8, 12, 2e-3) for name in CLOTHING}
    return {name: trial.config(folder, folder / trial.name) for name, trial in trials.items()}


def test_systems_differ_in_the_head_alone(clothing):
    first = clothing['MaskFormer']
    for cfg in clothing.values():
        for part in ('train_dataloader', 'val_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
            assert cfg[part] == first[part], part
        assert cfg.model.backbone == first.model.backbone
        assert cfg.model.decode_head.pixel_decoder == first.model.decode_head.pixel_decoder
        assert cfg.randomness.seed == 3
    heads = {name: cfg.model.decode_head for name, cfg in clothing.items()}
    for name in CLOTHING[:3]:
        assert heads[name].transformer_decoder == heads['MaskFormer'].transformer_decoder
        assert heads[name].auxiliary_classifier == dict(type='mmmaskformer.AuxiliaryPixelClassifier')
        assert heads[name].transformer_decoder.learned_queries
    assert len({str(head) for head in heads.values()}) == 4


def test_settings_of_a_training(clothing):
    cfg = clothing['MaskFormer']
    head = cfg.model.decode_head
    assert (head.num_classes, head.num_queries) == (12, 36)
    assert clothing['MaskFormer, fixed matching'].model.decode_head.num_queries == 12
    assert [cost.num_iterations for cost in head.criterion.assigner.costs[3:]] == [100]
    assert cfg.train_dataloader.batch_size == 8
    assert cfg.optim_wrapper.optimizer.lr == 2e-3
    assert [scheduler.end for scheduler in cfg.param_scheduler] == [51, 201]
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (200, 50)
    kept, resize, crop = cfg.train_dataloader.dataset.pipeline[:3]
    assert [t.type for t in kept.transforms] == [
        'mmmaskformer.LoadImageFromFile',
        'mmmaskformer.LoadAnnotations',
    ]
    assert (tuple(resize.scale), tuple(crop.crop_size), tuple(cfg.crop_size)) == (
        (110, 165),
        (128, 96),
        (128, 96),
    )
    for phase in ('train', 'val', 'test'):
        assert cfg[f'{phase}_dataloader'].dataset.num_groups == 12
    assert 'KeepInMemory' not in str(cfg.test_dataloader)  # prediction looks for the loader of images


@pytest.mark.parametrize(('classes', 'queries'), [(59, 100), (2, 6)])
def test_all_classes_and_two(classes, queries, tmp_path):
    cfg = Trial('ccp', 'MaskFormer', 0, 600, 4, classes).config(tmp_path, tmp_path)
    assert cfg.model.decode_head.num_queries == queries
    assert cfg.train_dataloader.dataset.get('num_groups') == (None if classes == 59 else 2)
    assert cfg.optim_wrapper.optimizer.lr == 1e-3


@pytest.mark.parametrize('data_set', ['coco200', 'camvid-panoptic'])
def test_panoptic_systems_have_one_budget_and_data(data_set, tmp_path):
    configs = [
        Trial(data_set, system, 0, 600, 4).config(tmp_path, tmp_path) for system in CONTESTS[data_set].systems
    ]
    assert {cfg.model.decode_head.type.split('.')[-1] for cfg in configs} == {
        *('MaskFormerHead', 'Mask2FormerHead', 'DETRHead', 'DualPathHead')
    }
    for cfg in configs:
        assert cfg.train_dataloader == configs[0].train_dataloader
        assert cfg.val_evaluator == configs[0].val_evaluator
        assert cfg.train_cfg == configs[0].train_cfg
        assert cfg.model.decode_head.num_classes == configs[0].model.decode_head.num_classes
    assert 'PanopticQuality' in str(configs[0].val_evaluator)


def test_files_are_read_once():
    loads = []

    class Loader:
        def __call__(self, results):
            loads.append(results['img_path'])
            return {**results, 'img': torch.zeros(2)}

    keep = KeepInMemory([Loader()])
    for path in ('a', 'b', 'a'):
        keep(dict(img_path=path))['img'] += 1  # as a transform that changes the image in place
    assert loads == ['a', 'b']
    assert keep(dict(img_path='a'))['img'].tolist() == [0, 0]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A plan on tiny scenes, with a search of two rates."""
    system = {'MaskFormer': 'toy/maskformer_r18_toy'}
    monkeypatch.setitem(contest_sets.CONTESTS, 'toy', ContestSet(system, rates=(1e-4, 1e-3)))
    write_toy(tmp_path / 'data', SMOKE_RECIPE)
    folders = dict(data_root=tmp_path / 'data', out_dir=tmp_path / 'out', work_dir=tmp_path / 'work')
    return ContestPlan('toy', **folders, iterations=2, batch=2, search_iterations=1)


def test_a_search_validates_on_images_that_it_does_not_train_on(toy):
    search = toy.searches()[0]
    cfg = search.config(toy.data_root, toy.work_dir)
    init_default_scope('mmseg')
    train, val = (DATASETS.build(cfg[f'{phase}_dataloader'].dataset) for phase in ('train', 'val'))
    seen, held_out = (
        {info['img_path'] for info in (d.get_data_info(i) for i in range(len(d)))} for d in (train, val)
    )
    assert (len(seen), len(held_out)) == (6, 2)
    assert not seen & held_out
    assert all('train' in path for path in held_out)


@pytest.mark.slow
def test_an_interrupted_training_goes_on_and_leaves_scores_and_weights(toy, monkeypatch):
    (run,) = toy.finals({})
    folders = toy.data_root, toy.runs_dir, toy.work_dir

    def interrupt(self, runner, *args, **kwargs):
        if runner.iter == 1:  # the last checkpoint is written, its validation is not
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ClockHook, 'after_train_iter', interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_trial(run, *folders)
    assert not list(toy.runs_dir.glob('*'))
    run_trial(run, *folders)
    (path,) = toy.runs_dir.glob('*')
    content = json.loads(path.read_text())
    assert (content['system'], content['seed'], content['learning_rate']) == ('MaskFormer', 0, 2e-3)
    assert list(content['scores']) == ['1', '2']
    assert set(content['scores']['2']) >= {'mIoU', 'PQ_sem'}
    assert len(content['class_iou']) == 10
    work_dir = toy.work_dir / run.name
    assert [file.name for file in work_dir.glob('*.pth')] == ['weights.pth']
    assert read_work_dir(work_dir).load().decode_head.num_classes == 10
    monkeypatch.setattr(trial, 'build_quiet_runner', None)
    run_trial(run, *folders)  # nothing is trained again


@pytest.mark.slow
def test_the_best_rate_of_the_search_is_used(toy):
    run_contest(toy)
    results = [json.loads(path.read_text()) for path in toy.runs_dir.glob('*.json')]
    searches = [result for result in results if result['search']]
    (final,) = [result for result in results if not result['search']]
    assert sorted(result['learning_rate'] for result in searches) == [1e-4, 1e-3]
    assert {result['seed'] for result in searches} == {100}
    best = max(searches, key=lambda result: (result['scores']['1']['mIoU'], -result['learning_rate']))
    assert final['learning_rate'] == best['learning_rate']
    assert not list(toy.work_dir.glob('search_*/*.pth'))


def test_the_clock_goes_on_from_the_resumed_iteration(tmp_path):
    path = tmp_path / 'clock.json'
    path.write_text('{"10": [5.0, 7.0], "20": [11.0, 13.0]}')
    clock = ClockHook(path, 10)
    clock.before_train(Config(dict(iter=10)))
    assert clock.seconds() == pytest.approx([5.0, 7.0], abs=1.0)
    clock.after_train_iter(Config(dict(iter=11)))
    clock.after_train_iter(Config(dict(iter=19)))
    entries = json.loads(path.read_text())
    assert entries['10'] == [5.0, 7.0]
    assert entries['20'] == pytest.approx([5.0, 7.0], abs=1.0)
