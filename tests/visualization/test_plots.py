"""The training curve is read from MMEngine's scalars and drawn into a PNG."""

import numpy as np
import pytest
from PIL import Image

from mmmaskformer.visualization import draw_training_curve, draw_training_curves, read_scalars
from mmmaskformer.visualization.plots import running_mean

SCALARS = [
    dict(step=10, loss=9.0),
    dict(step=20, loss=4.0),
    dict(step=20, mIoU=55.5),
    dict(step=30, loss=3.5),
]


def has_color(path, color):
    pixels = np.array(Image.open(path).convert('RGB')).reshape(-1, 3).astype(int)
    return bool((np.abs(pixels - color).max(axis=1) < 12).any())


def test_read_scalars(tmp_path):
    (tmp_path / 'scalars.json').write_text('{"step": 10, "loss": 9.0}\n\n{"step": 20, "mIoU": 55.5}\n')
    assert read_scalars(tmp_path / 'scalars.json') == [dict(step=10, loss=9.0), dict(step=20, mIoU=55.5)]


def test_missing_scalars_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match='LocalVisBackend'):
        read_scalars(tmp_path / 'scalars.json')


def test_curve_shows_loss_and_scores(tmp_path):
    blue, red = (31, 119, 180), (214, 39, 40)
    draw_training_curve(SCALARS, tmp_path / 'both.png')
    draw_training_curve([record for record in SCALARS if 'loss' in record], tmp_path / 'loss.png')
    assert has_color(tmp_path / 'both.png', blue)
    assert has_color(tmp_path / 'both.png', red)
    assert has_color(tmp_path / 'loss.png', blue)
    assert not has_color(tmp_path / 'loss.png', red)


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match='no loss'):
        draw_training_curve([dict(step=1, mIoU=3.0)], tmp_path / 'curve.png')


def test_several_runs_in_one_image(tmp_path):
    blue, orange = (31, 119, 180), (255, 127, 14)
    runs = dict(one=SCALARS, two=[record for record in SCALARS if 'loss' in record])
    drawn = draw_training_curves(runs, tmp_path / 'both.png', dict(loss='loss', PQ='PQ', mIoU='mIoU'))
    assert drawn == ['loss', 'mIoU']
    assert has_color(tmp_path / 'both.png', orange)
    draw_training_curves(dict(one=SCALARS), tmp_path / 'one.png', dict(mIoU='mIoU'))
    assert has_color(tmp_path / 'one.png', blue)
    assert not has_color(tmp_path / 'one.png', orange)
    with pytest.raises(ValueError, match='one, two have logged none of AP: choose other keys'):
        draw_training_curves(runs, tmp_path / 'none.png', dict(AP='AP'))


def test_running_mean():
    assert running_mean([4.0, 2.0, 6.0, 1.0], 2) == [4.0, 3.0, 4.0, 3.5]
    assert running_mean([4.0, 2.0], 1) == [4.0, 2.0]
