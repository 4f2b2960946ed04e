"""The rows of the table of unusual data in docs/own_data.md."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.commands import main
from mmmaskformer.datasets.folders import look_at


def draw(root, number=4, values=(0, 1), channels=3, suffix='png', split=''):
    """Images with label maps of stripes."""
    labels = np.repeat(np.array(values, np.uint8), 32)[None].repeat(48, 0)
    pixels = np.repeat(labels[..., None] * 90, channels, axis=2).squeeze()
    for place in range(number):
        for kind, content, ending in (('images', pixels, suffix), ('labels', labels, 'png')):
            path = root / kind / split / f'{place}.{ending}'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), content)
    return root


def new(root, out, *arguments) -> Config:
    main(['new', str(root), '--out', str(out), '--model', 'r18', *arguments])
    return Config.fromfile(out)


def inputs_of(cfg: Config):
    init_default_scope('mmseg')
    return DATASETS.build(cfg.train_dataloader.dataset)[0]['inputs']


def fails(*arguments: object) -> str:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return str(end.value.code)


def test_nothing_to_train_on(tmp_path):
    (tmp_path / 'empty').mkdir()
    assert 'holds 0 files and no image' in fails('train', tmp_path / 'empty')
    assert 'one' in fails('train', draw(tmp_path / 'one', number=1), '--out', tmp_path / 'work')


@pytest.mark.parametrize('split', ['', 'train'])
def test_a_fifth_of_the_images_is_kept_for_validation(split, tmp_path):
    root = draw(tmp_path / 'data', number=10, split=split)
    chosen = []
    for place in range(2):
        prepared = look_at(root).prepare(tmp_path / str(place), workers=1)
        assert (prepared.train_size, prepared.val_size) == (8, 2)
        chosen.append(json.loads(Path(prepared.dataset('val')['ann_file']).read_text())['samples'])
    assert chosen[0] == chosen[1]


def test_one_class(tmp_path):
    cfg = new(draw(tmp_path / 'data', values=(0, 0)), tmp_path / 'mine.py')
    assert cfg.model.decode_head.num_classes == 1


def test_classes_without_names(tmp_path, capsys):
    cfg = new(draw(tmp_path / 'data', values=(0, 1, 2)), tmp_path / 'mine.py')
    assert cfg.classes == ('class_0', 'class_1', 'class_2')
    assert 'Write their names, one a line' in capsys.readouterr().out


def test_grey_images_are_read_as_color(tmp_path):
    cfg = new(draw(tmp_path / 'data', channels=1), tmp_path / 'mine.py')
    assert inputs_of(cfg).shape[0] == 3


def test_a_folder_that_cannot_be_written_to(tmp_path):
    root = draw(tmp_path / 'data')
    (tmp_path / 'file').touch()
    for command, out in (('new', 'file/mine.py'), ('train', 'file/work')):
        message = fails(command, root, '--model', 'r18', '--out', tmp_path / out)
        assert message.startswith('Error: ')
        assert str(tmp_path / 'file') in message


def test_a_work_dir_that_is_not_empty(tmp_path):
    root = draw(tmp_path / 'data')
    assert 'exists and is not empty: give another folder (--out)' in fails('train', root, '--out', root)
