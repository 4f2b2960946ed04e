"""`mmmaskformer train FOLDER`: from a folder to a score and a figure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from folder_fixtures import FIXTURES, draw_fixture
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from PIL import Image

import mmmaskformer
from mmmaskformer.commands import main

MINUTES = os.environ.get('MMMASKFORMER_TRAIN_MINUTES', '1')
SCORES = {'semantic': 'mIoU', 'panoptic': 'PQ', 'instance': 'AP'}
PRINTED = (  # every line that training prints
    r'.+: [\w ]+, for \w+ segmentation',
    r'  (images|classes|things|in one|note|left out|model|split|sizes|training) +.+',
    r'.*config\.py:',
    r'',
    r'== (Training for [\d.]+ min|Done in \d+:\d\d min)',
    r'iteration +\d+/\d+   loss +[\d.]+   about \d+:\d\d min of training left',
    r'iteration +\d+/\d+   ((mIoU|AP|PQ|PQ\^St) (\d+\.\d|nan)(, )?)+',
    r'validating \.\.\.',
    r'AP_\w+(, AP_\w+)* is nan: nothing that it averages over occurs in the validation data\.',
    r'(train|val) data: \d+ of \d+ classes never occur: .+',
    r'(score|figure|checkpoint|predict) +.+',
)


def check_printed(printed: str, task: str, folder: Path) -> None:
    lines = printed.splitlines()
    unknown = [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in PRINTED)]
    assert not unknown
    assert lines[0].endswith(f', for {task} segmentation')
    said = dict(line.split(maxsplit=1) for line in lines[-4:])
    assert re.fullmatch(rf'(.+, )?{SCORES[task]} \d+\.\d.* on \d validation images?', said['score'])
    assert said['predict'] == 'mmmaskformer predict FOLDER --weights work_dirs/data'
    with Image.open(folder / said['figure'].split()[0]) as figure:
        assert figure.width >= 96
    assert len((folder / 'work_dirs/data/config.py').read_text().splitlines()) <= 25


def test_a_folder_becomes_a_score_and_a_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    drawn = draw_fixture('label maps', tmp_path / 'data')
    quick = ['--minutes', '0.01', '--model', 'r18', '--cfg-options', 'train_dataloader.batch_size=2']
    main(['train', 'data', *quick])
    check_printed(capsys.readouterr().out, drawn.task, tmp_path)
    photos = sorted((tmp_path / 'data').rglob('*.jpg'))[:1]
    assert mmmaskformer.load('work_dirs/data').predict(photos)[0].semantic is not None


@pytest.mark.soak
@pytest.mark.parametrize('name', FIXTURES)
def test_every_format_becomes_a_score_and_a_figure(name, tmp_path, record_figures):
    drawn = draw_fixture(name, tmp_path / 'data')
    command = [sys.executable, '-m', 'mmmaskformer', 'train', 'data', '--minutes', MINUTES]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    check_printed(done.stdout, drawn.task, tmp_path)
    score = re.search(r'^score +(.+) on', done.stdout, re.M)[1]
    record_figures(f'train {name}', dict(minutes=float(MINUTES), score=score))


@pytest.mark.parametrize('name', FIXTURES)
def test_config_of_every_format_loads_its_first_sample(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = draw_fixture(name, tmp_path / 'data')
    main(['new', 'data', '--model', 'r18', '--out', 'mine.py'])
    cfg = Config.fromfile('mine.py')
    assert len(Path('mine.py').read_text().splitlines()) <= 25
    assert cfg.default_hooks.checkpoint.save_best == SCORES[drawn.task]
    assert cfg.model.decode_head.num_classes == len(drawn.classes)
    init_default_scope('mmseg')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        sample = DATASETS.build(loader.dataset)[0]['data_samples']
        assert set(sample.keys()) & {'gt_sem_seg', 'gt_panoptic_seg'}
        assert sample.img_shape[0] > 0


def test_a_second_training_has_a_folder_of_its_own(blobs, tmp_path, monkeypatch):
    from mmmaskformer.own_data.training import _work_dir

    monkeypatch.chdir(tmp_path)
    assert str(_work_dir(None, 'blobs')) == 'work_dirs/blobs'
    (tmp_path / 'work_dirs/blobs').mkdir(parents=True)
    (tmp_path / 'work_dirs/blobs/config.py').touch()
    assert str(_work_dir(None, 'blobs')) == 'work_dirs/blobs_2'
    with pytest.raises(FileExistsError, match=r'exists and is not empty: give another folder .--out.'):
        _work_dir(tmp_path / 'work_dirs/blobs', 'blobs')


def test_the_written_config_is_whole(blobs, tmp_path):
    """`new` writes it, and MMEngine reads what the training needs."""
    out = tmp_path / 'mine.py'
    main(['new', str(blobs), '--out', str(out), '--model', 'r18'])
    cfg = Config.fromfile(out)
    assert len(out.read_text().splitlines()) <= 25
    assert cfg.model.decode_head.num_classes == 3
    assert cfg.train_dataloader.dataset.data_root == str(blobs)
    assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_iters + 1 == 601
    assert cfg.default_hooks.checkpoint.save_best == 'mIoU'
    assert cfg.custom_hooks[-1].type == 'mmmaskformer.EarlyStoppingHook'
    assert not {'schedules', 'pipelines'} & set(cfg)
    cfg.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').model == cfg.model
