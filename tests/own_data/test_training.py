"""`mmmaskformer train FOLDER`: from a folder to a score and a figure."""

from __future__ import annotations

import re

import pytest
from drawn_folders import draw_blobs, draw_coco
from mmengine.config import Config
from PIL import Image

import mmmaskformer
from mmmaskformer.commands import main

FOLDERS = {'label maps': (draw_blobs, 'mIoU'), 'coco instance': (draw_coco, 'AP')}
QUICK = ['--minutes', '0.01', '--model', 'r18', '--cfg-options', 'train_dataloader.batch_size=2']
PRINTED = (  # every line that training prints
    r'.+: (label maps|coco \w+), for \w+ segmentation',
    r'  (images|classes|things|in one|note|left out|model|split|sizes|training) +.+',
    r'.*config\.py:',
    r'',
    r'== (Training for 0\.01 min|Done in \d+:\d\d min)',
    r'iteration +\d+/\d+   loss +[\d.]+   about \d+:\d\d min of training left',
    r'iteration +\d+/\d+   (mIoU|AP) (\d+\.\d|nan)',
    r'validating \.\.\.',
    r'AP_\w+(, AP_\w+)* is nan: nothing that it averages over occurs in the validation data\.',
    r'(score|figure|checkpoint|predict) +.+',
)


@pytest.mark.parametrize('name', ['label maps', pytest.param('coco instance', marks=pytest.mark.soak)])
def test_a_folder_becomes_a_score_and_a_figure(name, tmp_path, monkeypatch, capsys):
    draw, score = FOLDERS[name]
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / 'discs')
    main(['train', 'discs', *QUICK])
    lines = capsys.readouterr().out.splitlines()
    unknown = [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in PRINTED)]
    assert not unknown
    assert lines[0].endswith(
        f'discs: {name}, for {"semantic" if score == "mIoU" else "instance"} segmentation'
    )
    said = dict(line.split(maxsplit=1) for line in lines[-4:])
    assert re.fullmatch(rf'{score} \d+\.\d on \d validation images?', said['score'])
    assert said['predict'] == 'mmmaskformer predict FOLDER --weights work_dirs/discs'
    with Image.open(tmp_path / said['figure'].split()[0]) as figure:
        assert figure.width >= 160
    config = (tmp_path / 'work_dirs/discs/config.py').read_text()
    assert len(config.splitlines()) <= 25
    results = mmmaskformer.load('work_dirs/discs').predict(sorted((tmp_path / 'discs').rglob('*.jpg'))[:1])
    assert (results[0].semantic if score == 'mIoU' else results[0].instances) is not None


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
