"""The training curve is read from MMEngine's scalars and drawn into a PNG."""

import numpy as np
import pytest
from PIL import Image

from mmmaskformer.visualization import draw_training_curve, read_scalars

SCALARS = [
    dict(step=10, loss=9.0),
    dict(step=20, loss=4.0),
    dict(step=20, mIoU=55.5),
    dict(step=30, loss=3.5),
]


def has_colour(path, colour):
    pixels = np.array(Image.open(path).convert('RGB')).reshape(-1, 3).astype(int)
    return bool((np.abs(pixels - colour).max(axis=1) < 12).any())


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
    assert has_colour(tmp_path / 'both.png', blue)
    assert has_colour(tmp_path / 'both.png', red)
    assert has_colour(tmp_path / 'loss.png', blue)
    assert not has_colour(tmp_path / 'loss.png', red)


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match='no loss'):
        draw_training_curve([dict(step=1, mIoU=3.0)], tmp_path / 'curve.png')
