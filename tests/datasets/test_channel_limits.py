"""Transforms are compared with the first image of a data set before training."""

from __future__ import annotations

import numpy as np
import pytest
from mmengine.dataset import RepeatDataset
from mmseg.datasets import BaseSegDataset

from mmmaskformer.datasets.pipelines import check_channels
from mmmaskformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageOfTest:
    """Gives one image, whatever the file."""

    def __init__(self, channels: int, dtype: str, largest: int = 100) -> None:
        shape = (8, 9, channels) if channels > 1 else (8, 9)
        self.image = np.full(shape, largest, dtype=dtype)

    def __call__(self, results: dict) -> dict:
        return {**results, 'img': self.image}


@pytest.fixture
def data_set(tmp_path):
    (tmp_path / 'img').mkdir()
    (tmp_path / 'img/0.png').touch()

    def make(loader: dict, transform: dict, inner: bool = False) -> BaseSegDataset:
        if inner:
            transform = dict(type='RandomApply', transforms=[transform], prob=0.5)
        loader = dict(type='mmmaskformer.LoadImageOfTest', **loader)
        return BaseSegDataset(
            data_root=str(tmp_path),
            data_prefix=dict(img_path='img'),
            img_suffix='.png',
            metainfo=dict(classes=('one', 'two')),
            pipeline=[loader, transform],
        )

    return make


COLORS = dict(type='mmseg.PhotoMetricDistortion')
PAD = dict(type='Pad', size=(16, 16))


@pytest.mark.parametrize(
    ('loader', 'transform'),
    [
        (dict(channels=4, dtype='uint8'), COLORS),
        (dict(channels=1, dtype='uint8'), COLORS),
        (dict(channels=3, dtype='uint16'), COLORS),
        (dict(channels=3, dtype='float32', largest=4000), COLORS),
        (dict(channels=5, dtype='uint8'), PAD),
        (dict(channels=5, dtype='uint8'), dict(type='mmmaskformer.PadSegments', size=(16, 16))),
    ],
)
@pytest.mark.parametrize('inner', [False, True])
def test_what_a_transform_does_not_take_is_refused_by_name(data_set, loader, transform, inner):
    dataset = RepeatDataset(data_set(loader, transform, inner), times=2)
    name = transform['type'].rpartition('.')[2]
    with pytest.raises(
        ValueError, match=f'{name} in the pipeline of BaseSegDataset supports .* but the first image'
    ):
        check_channels(dataset)


@pytest.mark.parametrize(
    ('loader', 'transform'),
    [
        (dict(channels=3, dtype='uint8'), COLORS),
        (dict(channels=3, dtype='float32', largest=255), COLORS),
        (dict(channels=4, dtype='uint16'), PAD),
        (dict(channels=7, dtype='float32'), dict(type='RandomFlip', prob=0.5)),
    ],
)
def test_other_images_pass(data_set, loader, transform):
    assert check_channels(data_set(loader, transform)).ndim == 3


def test_an_image_that_cannot_be_read_is_left_to_its_loader(data_set):
    dataset = data_set(dict(channels=3, dtype='uint8'), COLORS)
    dataset.pipeline.transforms[0] = TRANSFORMS.build(dict(type='mmmaskformer.LoadImageFromFile'))
    assert check_channels(dataset) is None
