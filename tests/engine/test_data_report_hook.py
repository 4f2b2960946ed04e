"""What training says of its data at the start, and validation of scores that are nan."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmmaskformer.engine import DataReportHook, data_report_hook

sys.path.insert(0, str(Path(__file__).parents[1] / 'datasets'))
from label_maps import CLASSES, MAPS, write_label_maps


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    """What is logged; warnings begin with an exclamation mark."""
    lines: list[str] = []
    monkeypatch.setattr(
        data_report_hook, 'print_log', lambda text, logger, level=20: lines.append('!' * (level > 20) + text)
    )
    return lines


def runner_of(train, val=None, **changes):
    model = nn.Module()
    model.decode_head = nn.Module()
    model.decode_head.ignore_index = 255
    model.decode_head.class_embed = nn.Linear(1, 1)
    model.decode_head.transformer_decoder = SimpleNamespace(query_embed=nn.Embedding(2, 1))
    model.dataset_meta = dict(classes=CLASSES)
    loaders = dict(train_dataloader=SimpleNamespace(dataset=DATASETS.build(train)))
    if val is not None:
        loaders['val_dataloader'] = SimpleNamespace(dataset=DATASETS.build(val))
    return SimpleNamespace(
        model=model,
        val_loop=val,
        val_evaluator=SimpleNamespace(metrics=[]),
        hooks=[SimpleNamespace(save_best='mIoU')],
        **loaders,
        **changes,
    )


def test_three_lines(tmp_path, logged):
    DataReportHook().before_train(runner_of(write_label_maps(tmp_path, [*MAPS, {0: 2, 3: 10}])))
    assert logged == [
        'train data: 5 images, .jpg, 4x3, 3 channels of 8 bits; looked at all of 5',
        'train data: 4 of 4 classes seen, rarest car (20.0% of images), dog (20.0% of images), '
        'road (40.0% of images); no class: 6.7% of pixels',
        'train data: segments per image: median 2, at most 3 (3.jpg); the model has 2 queries',
        f'!train data: more segments than the 2 queries of the model in 1 image ({tmp_path}/img/3.jpg): '
        'set num_queries to 3 or more',
    ]


def test_a_quick_look_says_how_many(tmp_path, logged):
    DataReportHook(number=2).before_train(runner_of(write_label_maps(tmp_path)))
    assert logged[0].endswith('looked at 2 of 4')
    assert 'not seen: dog' in logged[1]
    assert not [line for line in logged if 'never occur' in line]  # of two images, it cannot say
    DataReportHook(seconds=0).before_train(runner_of(write_label_maps(tmp_path)))
    assert len(logged) == 4


def test_masks_of_0_and_255(tmp_path, logged):
    masks = [{0: 6, 255: 6}, {0: 12}, {0: 2, 255: 10}]
    train, val = write_label_maps(tmp_path / 'train', masks), write_label_maps(tmp_path / 'val')
    DataReportHook().before_train(runner_of(train, val))
    assert [line for line in logged if line.startswith('!') and 'queries' not in line] == [
        '!train data: 3 of 4 classes never occur: road, car, dog.',
        "!train data: the label maps hold 0 and 255 alone: 0 is learned as 'sky', and 255 is no class. If "
        "255 stands for 'road', replace it by 1 in the files.",
        '!val data: 1 of 4 classes never occurs: dog.',
    ]


def test_masks_of_0_and_255_in_a_quick_look(tmp_path, logged):
    DataReportHook(number=2).before_train(runner_of(write_label_maps(tmp_path, [{0: 6, 255: 6}] * 3)))
    assert [line for line in logged if '0 and 255 alone' in line]


def test_masks_of_0_and_255_for_one_class(tmp_path, logged):
    """Without a hint, the background is learned as the class, and its IoU is near 100."""
    config = dict(write_label_maps(tmp_path, [{0: 6, 255: 6}, {0: 12}]), metainfo=dict(classes=['crack']))
    DataReportHook().before_train(runner_of(config))
    assert logged[3:] == [
        "!train data: the label maps hold 0 and 255 alone: 0 is learned as 'crack', and 255 is no class. If "
        "255 stands for 'crack' and 0 for all else, replace 255 by 1 in the files and set "
        'reduce_zero_label=True in the data sets, or give the background a class of its own: '
        "classes=('background', 'crack'), num_classes=2."
    ]


def test_one_class_that_counts_from_1(tmp_path, logged):
    maps = write_label_maps(tmp_path, [{0: 6, 1: 6}, {0: 12}])
    DataReportHook().before_train(
        runner_of(dict(maps, metainfo=dict(classes=['crack']), reduce_zero_label=True))
    )
    assert not [line for line in logged if line.startswith('!')]


@pytest.mark.parametrize('phase', ['train', 'val'])
def test_nothing_labelled_is_refused(tmp_path, logged, phase):
    good = write_label_maps(tmp_path / 'good')
    bad = write_label_maps(tmp_path / 'bad', [{255: 12}] * 3)
    message = rf'{phase}_dataloader: not one pixel of 3 images belongs to a class\. .* hold the values 255'
    with pytest.raises(ValueError, match=message):
        DataReportHook().before_train(runner_of(bad if phase == 'train' else good, bad))
    assert not [line for line in logged if 'stands for' in line]
    zeros = dict(write_label_maps(tmp_path / 'zeros', [{0: 12}] * 3), reduce_zero_label=True)
    with pytest.raises(ValueError, match=r'values 0 .*reduce_zero_label, which makes 0 a pixel of no class'):
        DataReportHook().before_train(runner_of(zeros))


def test_label_maps_with_colors_are_named_as_such(tmp_path, logged):
    config = write_label_maps(tmp_path, [{0: 12}, {255: 12}])
    cv2.imwrite(str(tmp_path / 'ann/0.png'), np.full((3, 4, 3), 2, np.uint8))
    message = r'1 of 2 label maps cannot be read.*: .*ann/0\.png has shape \(3, 4, 3\), but one label'
    with pytest.raises(ValueError, match=message):
        DataReportHook().before_train(runner_of(config))


def test_one_labelled_pixel_anywhere_is_enough(tmp_path, logged):
    config = write_label_maps(tmp_path, [{255: 12}] * 5 + [{255: 11, 2: 1}] + [{255: 12}] * 5)
    DataReportHook(number=2).before_train(runner_of(config))
    assert '0 of 4 classes seen' in logged[1]


def test_images_without_label_map(tmp_path, logged):
    config = write_label_maps(tmp_path)
    (tmp_path / 'ann/2.png').unlink()
    message = (
        r'train_dataloader: 1 of 4 samples are images without annotation file, the first is .*ann/2\.png'
    )
    with pytest.raises(FileNotFoundError, match=message):
        DataReportHook().before_train(runner_of(config))
    logged.clear()
    DataReportHook().before_train(runner_of(dict(type='mmmaskformer.SkipBadSamples', dataset=config)))
    assert f'!train data: 1 image without annotation file ({tmp_path}/ann/2.png)' in logged


def test_listed_images_that_do_not_exist(tmp_path):
    config = write_label_maps(tmp_path)
    (tmp_path / 'split.txt').write_text('0\n1\n7\n')
    (tmp_path / 'ann/7.png').write_bytes((tmp_path / 'ann/0.png').read_bytes())
    message = r'train_dataloader: 1 of 3 samples are images that do not exist, the first is .*img/7\.jpg'
    with pytest.raises(FileNotFoundError, match=message):
        DataReportHook().before_train(runner_of(dict(config, ann_file='split.txt')))
    runner = runner_of(dict(config, ann_file='split.txt', test_mode=True))
    runner.test_dataloader = runner.train_dataloader
    with pytest.raises(FileNotFoundError, match=r'test_dataloader: 1 of 3 .* and seg_map_suffix\.$'):
        DataReportHook().before_test(runner)


def test_label_maps_are_not_needed_to_predict(tmp_path):
    config = write_label_maps(tmp_path)
    (tmp_path / 'ann/2.png').unlink()
    runner = runner_of(dict(config, test_mode=True))
    runner.test_dataloader = runner.train_dataloader
    DataReportHook().before_test(runner)


def test_files_of_another_suffix(tmp_path, logged):
    config = write_label_maps(tmp_path)
    shades = np.zeros((3, 4, 3), np.uint8)
    for name in ('4.jpeg', '5.JPG', '6.png'):
        cv2.imwrite(str(tmp_path / 'img' / name), shades)
    (tmp_path / 'img/notes.txt').write_text('')
    cv2.imwrite(str(tmp_path / 'ann/9.png'), shades)
    DataReportHook().before_train(runner_of(config))
    folder = tmp_path / 'img'
    others = ', '.join(f'{folder}/{name}' for name in ('4.jpeg', '5.JPG', '6.png'))
    assert f'!train data: 3 images of another suffix than img_suffix ({others})' in logged
    assert f'!train data: 1 annotation without image ({tmp_path}/ann/9.png)' in logged


def test_one_folder_for_both(tmp_path, logged):
    """Label maps that lie beside the images are not images of another suffix."""
    config = write_label_maps(tmp_path)
    for path in (tmp_path / 'ann').iterdir():
        path.rename(tmp_path / 'img' / path.name)
    DataReportHook().before_train(
        runner_of(dict(config, data_prefix=dict(img_path='img', seg_map_path='img')))
    )
    assert not [line for line in logged if 'suffix' in line or 'without' in line]


def batch(*maps) -> dict:
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.tensor([[row]]))) for row in maps]
    return dict(data_samples=samples)


def test_scores_of_nan(tmp_path, logged):
    runner, hook = runner_of(write_label_maps(tmp_path)), DataReportHook()
    for _ in range(2):  # the second validation has nothing new to say
        for number, data in enumerate((batch([0, 255]), batch([0, 0], [2, 2]))):
            hook.before_val_iter(runner, number, data)
        hook.after_val_epoch(runner, {'mIoU': 50.0, 'IoU.dog': float('nan'), 'AP_large': float('nan')})
    assert logged == [
        '!2 of 4 classes do not occur in the ground truth of the validation data: road, dog. Means leave out '
        'those that are not predicted either, and count the others as 0.',
        '!AP_large is nan: nothing that it averages over occurs in the validation data.',
    ]


def test_the_best_of_nan(tmp_path, logged):
    runner, hook = runner_of(write_label_maps(tmp_path)), DataReportHook()
    hook.before_val_iter(runner, 0, batch([255, 255]))
    hook.after_val_epoch(runner, {'mIoU': float('nan')})
    assert logged[0].startswith('!4 of 4 classes do not occur')
    assert logged[2] == "!save_best='mIoU': the score is nan, so no best checkpoint is kept."


def test_segments_tell_their_classes(tmp_path, logged):
    runner, hook = runner_of(write_label_maps(tmp_path)), DataReportHook()
    segments = [dict(category_id=0), dict(category_id=1, iscrowd=True), dict(category_id=3)]
    sample = SegDataSample()
    sample.set_metainfo({})
    sample.gt_segments_info = segments
    hook.before_test_iter(runner, 0, dict(data_samples=[[sample]]))
    hook.after_test_epoch(runner, {'PQ': 10.0})
    assert logged[0].startswith(
        '!2 of 4 classes do not occur in the ground truth of the test data: road, car.'
    )
