"""Models are trained alike, once, and what they leave is complete."""

import json
from dataclasses import replace

import pytest

from mmmaskformer.analysis import TrainingComparison, prepare_data, publish, train_all, write_report
from mmmaskformer.analysis.training_comparison import FIVE, check_settings


@pytest.fixture(scope='module')
def comparison(tmp_path_factory):
    folder = tmp_path_factory.mktemp('comparison')
    return TrainingComparison(
        'toy', folder / 'data', folder / 'out', models=('PerPixelBaseline', 'MaskFormer'), smoke=True
    )


def test_all_five_have_one_budget_data_and_backbone(tmp_path):
    for data_set, crop in (('toy', (96, 128)), ('camvid', (192, 256))):
        comparison = TrainingComparison(
            data_set, tmp_path / 'data', tmp_path / 'out', max_iters=600, seeds=(3, 4)
        )
        configs = [comparison.config(*training) for training in comparison.trainings()]
        assert len(configs) == 2 * len(FIVE) == 10
        first = configs[0]
        assert first.train_cfg.max_iters == 600
        assert first.train_cfg.val_interval == first.default_hooks.checkpoint.interval == 120
        assert [scheduler.end for scheduler in first.param_scheduler][-1] == 601
        assert max(scheduler.end for scheduler in first.param_scheduler[:-1]) < 600
        assert tuple(first.crop_size) == crop
        for name in ('train_dataloader', 'test_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
            assert all(cfg[name] == first[name] for cfg in configs), name
        assert all(cfg.model.backbone == first.model.backbone for cfg in configs)
        assert [cfg.randomness.seed for cfg in configs] == [3] * 5 + [4] * 5
        assert len({cfg.work_dir for cfg in configs}) == 10
        assert len({str(cfg.model.decode_head) for cfg in configs}) == 5
        assert 'SemanticPanopticQuality' in str(first.val_evaluator)


def test_panoptic_systems_have_one_budget_and_data(tmp_path):
    comparison = TrainingComparison('toy-panoptic', tmp_path / 'data', tmp_path / 'out', max_iters=600)
    configs = {model: comparison.config(model, seed) for model, seed in comparison.trainings()}
    assert {cfg.model.decode_head.type.split('.')[-1] for cfg in configs.values()} == {
        *('MaskFormerHead', 'Mask2FormerHead', 'MaXDeepLabHead', 'DualPathHead', 'DETRHead')
    }
    first = configs['MaskFormer']
    for model, cfg in configs.items():
        assert cfg.train_dataloader == first.train_dataloader
        assert cfg.train_cfg == first.train_cfg
        assert (cfg.model.backbone == first.model.backbone) == (model != 'MaX-DeepLab-S')
        assert 'PanopticQuality' in str(cfg.test_evaluator)
    by_default = replace(comparison, max_iters=None)
    assert {by_default.config(model, 0).train_cfg.max_iters for model in configs} == {1500}
    with pytest.raises(
        ValueError, match='unknown model PerPixelBaseline: expected one or more of MaskFormer'
    ):
        replace(comparison, models=('PerPixelBaseline',))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(data_set='ade'), 'unknown data set ade: expected one of toy, camvid'),
        (dict(models=('UNet',)), 'unknown model UNet: expected one or more of PerPixelBaseline'),
        (dict(max_iters=0), 'max_iters is 0'),
        (dict(seeds=(1, 1)), r'the seeds are \[1, 1\]'),
    ],
)
def test_mistakes(comparison, change, message):
    with pytest.raises(ValueError, match=message):
        replace(comparison, **change)


def test_other_settings_and_strange_folders_are_refused(comparison, tmp_path):
    comparison = replace(comparison, out_dir=tmp_path)
    check_settings(comparison.config('MaskFormer', 0))
    check_settings(replace(comparison, data_root=tmp_path / 'moved').config('MaskFormer', 0))
    with pytest.raises(ValueError, match='holds a training with max_iters 2, expected 7: remove that'):
        check_settings(replace(comparison, max_iters=7).config('MaskFormer', 0))
    (comparison.folder('PerPixelBaseline', 0)).mkdir()
    (comparison.folder('PerPixelBaseline', 0) / 'thesis.txt').touch()
    with pytest.raises(ValueError, match='holds other files: choose another folder with --out'):
        check_settings(comparison.config('PerPixelBaseline', 0))


@pytest.mark.slow
def test_models_are_trained_once_and_compared(comparison, capsys, tmp_path):
    prepare_data(comparison)
    train_all(comparison)
    assert capsys.readouterr().out.count('iteration    2/2   loss') == 2
    interrupted = comparison.folder('MaskFormer', 0)
    (interrupted / 'evaluation/scores.json').unlink()
    runs = train_all(comparison)
    printed = capsys.readouterr().out
    assert printed.count('already trained') == 1
    assert printed.count('resumed') == 1
    assert 'iteration    1/2' not in printed  # nothing is trained again, only evaluated

    text = write_report(comparison, runs, repeats=1)
    lines = text.splitlines()
    assert lines[0].startswith('| model | parameters | FLOPs | ms per image |')
    assert lines[0].endswith('| mIoU | PQ^St |')
    assert [line.split(' | ')[0] for line in lines[2:4]] == ['| PerPixelBaseline', '| MaskFormer']
    assert '2 iterations of 2 images' in text
    out = comparison.out_dir
    assert json.loads((out / 'table.json').read_text())['models'][1]['label'] == 'MaskFormer'
    assert all((out / name).is_file() for name in ('table.md', 'curves.png', 'queries.png', 'queries.json'))
    document = tmp_path / 'compare.md'
    document.write_text('<!-- toy: begin -->\n<!-- toy: end -->\n')
    publish(comparison, text, document)
    assert '![training curves](compare_toy.png)' in document.read_text()
    assert (tmp_path / 'compare_toy.png').is_file()
