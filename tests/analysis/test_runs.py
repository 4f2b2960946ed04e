"""Runs are found by what users call them, and read from their work dirs."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_runs import write_run, write_scalars

from mmmaskformer.analysis import find_runs
from mmmaskformer.analysis.scores import (
    Scores,
    last_scores,
    mean_scores,
    read_records,
    training_seconds,
    write_scores,
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp('runs') / 'small')


def test_work_dir_config_and_checkpoint(trained):
    runs = find_runs(
        [str(trained), f'other={trained}/small.py,{trained}/iter_40.pth', 'toy/maskformer_r18_toy'],
        options={'model.decode_head.num_queries': 9},
    )
    assert [run.label for run in runs] == ['small', 'other', 'maskformer_r18_toy']
    checkpoint = str(trained / 'iter_40.pth')  # last_checkpoint names a folder of another machine
    assert [run.checkpoint for run in runs] == [checkpoint, checkpoint, None]
    assert [run.work_dir for run in runs] == [trained, None, None]
    assert [run.config.model.decode_head.num_queries for run in runs] == [9, 9, 9]
    with pytest.raises(ValueError, match='maskformer_r18_toy has no checkpoint: give CONFIG,CHECKPOINT'):
        runs[2].need_checkpoint()


def test_best_checkpoint(tmp_path):
    folder = write_run(tmp_path / 'small')
    (folder / 'best_mIoU_iter_30.pth').touch()
    assert find_runs([str(folder)])[0].checkpoint.endswith('iter_40.pth')
    assert find_runs([str(folder)], best=True)[0].checkpoint.endswith('best_mIoU_iter_30.pth')


def test_mistakes(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere is neither a config file .* not a folder either'):
        find_runs(['work_dirs/nowhere'])
    with pytest.raises(FileNotFoundError, match=r'the checkpoint .*none.pth does not exist'):
        find_runs([f'{trained}/small.py,{tmp_path}/none.pth'])
    with pytest.raises(ValueError, match='holds no config'):
        find_runs([str(tmp_path)])
    with pytest.raises(ValueError, match='two runs have the label small: give labels with LABEL='):
        find_runs([str(trained), f'{trained}/small.py'])
    with pytest.raises(FileNotFoundError, match=r'holds no vis_data/scalars.json'):
        read_records(tmp_path)


def test_resumed_runs_continue_and_replace(trained, tmp_path):
    steps = [(record['step'], record['loss']) for record in read_records(trained) if 'loss' in record]
    assert steps == [(10, 8.0), (20, 8.0), (30, 4.0), (40, 4.0)]
    assert [record['step'] for record in read_records(trained) if 'mIoU' in record] == [40]
    assert training_seconds(trained) == 0.5
    write_scalars(tmp_path / '20260101_000000', [10, 20], loss=2.0, score=1.0)
    write_scalars(tmp_path / '20260102_000000', [10], loss=3.0, score=2.0)  # begun anew
    assert [record['step'] for record in read_records(tmp_path)] == [10, 10]
    assert training_seconds(tmp_path / '20260101') is None


def test_scores_of_validation_test_and_evaluation(tmp_path):
    folder = write_run(tmp_path / 'small')
    assert last_scores(folder) == Scores({'mIoU': 20.0, 'PQ_sem': 10.0}, 'validation', {})
    log = folder / '20260103_000000'
    log.mkdir()
    metrics = {'mIoU': 30.0, 'coco/PQ': 5.0, 'IoU.car': 12.5, 'IoU.sky': float('nan'), 'time': 0.1}
    (log / f'{log.name}.json').write_text(json.dumps(metrics))
    assert last_scores(folder) == Scores({'mIoU': 30.0, 'PQ': 5.0}, 'test', {'car': 12.5, 'sky': None})
    checkpoint = folder / 'iter_40.pth'
    evaluated = Scores({'mIoU': 40.0}, 'test', {'car': 41.0})
    write_scores(folder / 'evaluation', evaluated, str(checkpoint))
    assert last_scores(folder, str(checkpoint)) == evaluated
    assert last_scores(folder, str(folder / 'iter_30.pth')).values['mIoU'] == 30.0
    later = (folder / 'evaluation/scores.json').stat().st_mtime + 10
    os.utime(checkpoint, (later, later))  # trained again since
    assert last_scores(folder, str(checkpoint)).values['mIoU'] == 30.0
    assert last_scores(tmp_path / 'nothing') is None


def test_mean_over_seeds():
    several = [Scores({'mIoU': 40.0, 'PQ': 1.0}, 'test', {}), Scores({'mIoU': 42.0}, 'test', {})]
    assert mean_scores(several) == {'mIoU': (41.0, pytest.approx(2**0.5))}
    assert mean_scores(several[:1]) == {'mIoU': (40.0, None), 'PQ': (1.0, None)}
